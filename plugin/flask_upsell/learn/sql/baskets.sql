-- From order lines to baskets of numbered products.
-- in:  order_lines(order_ref, product_ref, quantity, customer, placed_at),
--      products(product_ref, category, price, months, words), parameters
-- out: items(product_no, product_ref, category, price, months), baskets(order_ref, order_no, customer, placed_at, size),
--      basket_items(order_no, product_no), totals(orders), item_orders(product_no, orders)

-- Every product of the catalogue has a number: integers join faster than texts.
CREATE TABLE items AS
SELECT ROW_NUMBER() OVER (ORDER BY product_ref) AS product_no, product_ref, category, price, months
FROM products;

-- What was bought and not sent back. Orders of more different products than max_basket are wholesale or bots.
CREATE TABLE bought AS
SELECT l.order_ref, i.product_no, MIN(l.customer) AS customer, MIN(l.placed_at) AS placed_at
FROM order_lines l JOIN items i ON i.product_ref = l.product_ref
GROUP BY l.order_ref, i.product_no
HAVING SUM(l.quantity) > 0;

CREATE TABLE sized AS
SELECT order_ref, customer, placed_at, size, CAST(FLOOR(placed_at / 86400) AS BIGINT) AS day
FROM (
    SELECT order_ref, MIN(customer) AS customer, MIN(placed_at) AS placed_at, COUNT(*) AS size
    FROM bought GROUP BY order_ref
) AS orders
WHERE size <= (SELECT max_basket FROM parameters);

-- Orders are numbered in the sequence of time, day by day: no machine has to sort them all.
CREATE TABLE days AS
SELECT day, SUM(orders) OVER (ORDER BY day) - orders AS earlier
FROM (SELECT day, COUNT(*) AS orders FROM sized GROUP BY day) AS counted;

CREATE TABLE baskets AS
SELECT s.order_ref, s.customer, s.placed_at, s.size,
       CAST(d.earlier + ROW_NUMBER() OVER (PARTITION BY s.day ORDER BY s.placed_at, s.order_ref) AS BIGINT) AS order_no
FROM sized s JOIN days d ON d.day = s.day;

CREATE TABLE basket_items AS
SELECT b.order_no, p.product_no
FROM bought p JOIN baskets b ON b.order_ref = p.order_ref;

CREATE TABLE totals AS
SELECT COUNT(*) AS orders FROM baskets;

CREATE TABLE item_orders AS
SELECT product_no, COUNT(*) AS orders FROM basket_items GROUP BY product_no;
