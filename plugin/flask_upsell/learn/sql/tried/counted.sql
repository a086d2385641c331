-- How often each product of some carts was bought together with each other one.
-- in:  carts(case_no, product_no), basket_items
-- out: counted(from_no, to_no, together)

DROP TABLE IF EXISTS counted;

CREATE TABLE counted AS
SELECT a.product_no AS from_no, b.product_no AS to_no, COUNT(*) AS together
FROM basket_items a
JOIN (SELECT DISTINCT product_no FROM carts) AS c ON c.product_no = a.product_no
JOIN basket_items b ON b.order_no = a.order_no AND b.product_no <> a.product_no
GROUP BY a.product_no, b.product_no;
