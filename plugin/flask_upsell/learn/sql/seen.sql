-- What was bought before an instant.
-- in:  placed, basket_items, horizon(until)
-- out: seen(order_no, product_no, size), seen_orders(product_no, orders)

DROP TABLE IF EXISTS seen;
DROP TABLE IF EXISTS seen_orders;

CREATE TABLE seen AS
SELECT p.order_no, i.product_no, p.size
FROM placed p JOIN basket_items i ON i.order_no = p.order_no
WHERE p.placed_at < (SELECT until FROM horizon);

CREATE TABLE seen_orders AS
SELECT product_no, COUNT(*) AS orders FROM seen GROUP BY product_no;
