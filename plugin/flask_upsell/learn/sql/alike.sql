-- What is bought together of what is taken for one kind, in the last orders: one thing is bought instead of another.
-- in:  supposed(product_no, kind), baskets, basket_items, totals
-- out: last_orders(order_no, size), alike_orders(product_no, kind, orders), alike_pairs(kind, one, other, together)

-- A hundred thousand tell enough, and bound the pairs.
CREATE TABLE last_orders AS
SELECT order_no, size FROM baskets
WHERE order_no > (SELECT orders FROM totals) - 100000;

CREATE TABLE alike_orders AS
SELECT s.product_no, s.kind, COUNT(*) AS orders
FROM supposed s JOIN basket_items b ON b.product_no = s.product_no
JOIN last_orders o ON o.order_no = b.order_no
GROUP BY s.product_no, s.kind;

CREATE TABLE alike_lines AS
SELECT b.order_no, b.product_no, s.kind
FROM supposed s JOIN basket_items b ON b.product_no = s.product_no
JOIN last_orders o ON o.order_no = b.order_no
WHERE o.size > 1;

CREATE TABLE alike_pairs AS
SELECT a.kind, a.product_no AS one, b.product_no AS other, COUNT(*) AS together
FROM alike_lines a JOIN alike_lines b
  ON b.order_no = a.order_no AND b.kind = a.kind AND b.product_no > a.product_no
GROUP BY a.kind, a.product_no, b.product_no;
