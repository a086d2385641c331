-- From order lines to baskets of numbered products.
-- in:  order_lines(order_ref, product_ref, quantity), products(product_ref, category, price, months), parameters
-- out: items(product_no, product_ref, category, price, months), basket_items(order_no, product_no), totals(orders),
--      item_orders(product_no, orders)

-- Every product of the catalogue has a number: integers join faster than texts.
CREATE TABLE items AS
SELECT ROW_NUMBER() OVER (ORDER BY product_ref) AS product_no, product_ref, category, price, months
FROM products;

-- What was bought and not sent back. Orders of more different products than max_basket are wholesale or bots.
CREATE TABLE bought AS
SELECT l.order_ref, i.product_no
FROM order_lines l JOIN items i ON i.product_ref = l.product_ref
GROUP BY l.order_ref, i.product_no
HAVING SUM(l.quantity) > 0;

CREATE TABLE baskets AS
SELECT order_ref, ROW_NUMBER() OVER (ORDER BY order_ref) AS order_no, size
FROM (SELECT order_ref, COUNT(*) AS size FROM bought GROUP BY order_ref) AS sizes
WHERE size <= (SELECT max_basket FROM parameters);

CREATE TABLE basket_items AS
SELECT b.order_no, p.product_no
FROM bought p JOIN baskets b ON b.order_ref = p.order_ref;

CREATE TABLE totals AS
SELECT COUNT(*) AS orders FROM baskets;

CREATE TABLE item_orders AS
SELECT product_no, COUNT(*) AS orders FROM basket_items GROUP BY product_no;
