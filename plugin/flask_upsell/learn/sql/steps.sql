-- Which dearer products of the same category there are for each product, and what is known of them before an instant.
-- in:  seen, placed, seen_orders, items, horizon(until), span(gap_percent, gap_floor, candidates)
-- out: steps_up(base_no, product_no, orders, lately, owners, moved, had, base_price, price, category_orders)

DROP TABLE IF EXISTS owned;
DROP TABLE IF EXISTS sold_lately;
DROP TABLE IF EXISTS liked;
DROP TABLE IF EXISTS near_by;
DROP TABLE IF EXISTS went;
DROP TABLE IF EXISTS in_category;
DROP TABLE IF EXISTS steps_up;

CREATE TABLE owned AS
SELECT p.customer, s.product_no, i.category, i.price, MIN(p.placed_at) AS since
FROM seen s JOIN placed p ON p.order_no = s.order_no JOIN items i ON i.product_no = s.product_no
WHERE p.customer IS NOT NULL AND i.category IS NOT NULL
GROUP BY p.customer, s.product_no, i.category, i.price;

-- Sixty days.
CREATE TABLE sold_lately AS
SELECT s.product_no, COUNT(*) AS orders
FROM seen s JOIN placed p ON p.order_no = s.order_no
WHERE p.placed_at >= (SELECT until FROM horizon) - 5184000
GROUP BY s.product_no;

CREATE TABLE liked AS
SELECT product_no, COUNT(*) AS owners FROM owned GROUP BY product_no;

CREATE TABLE in_category AS
SELECT i.category, COUNT(DISTINCT s.order_no) AS orders
FROM seen s JOIN items i ON i.product_no = s.product_no
WHERE i.category IS NOT NULL GROUP BY i.category;

-- A step of less than a tenth is no other class of goods; the most chosen ones bound the join.
CREATE TABLE near_by AS
SELECT base_no, product_no, orders, base_price, price, category FROM (
    SELECT b.product_no AS base_no, d.product_no, d.orders, b.price AS base_price, d.price, b.category,
           ROW_NUMBER() OVER (PARTITION BY b.product_no ORDER BY d.orders DESC, d.product_no) AS place
    FROM items b
    JOIN (
        SELECT i.product_no, i.category, i.price, o.orders,
               ROW_NUMBER() OVER (PARTITION BY i.category ORDER BY o.orders DESC, i.product_no) AS place
        FROM items i JOIN seen_orders o ON o.product_no = i.product_no
        WHERE i.category IS NOT NULL
    ) AS d ON d.category = b.category AND d.place <= 400
    CROSS JOIN span p
    WHERE d.price > b.price AND d.price * 10 >= b.price * 11
      AND (d.price * 100 <= b.price * (100 + p.gap_percent) OR d.price - b.price <= p.gap_floor)
) AS near_ones
WHERE place <= (SELECT candidates FROM span);

-- Customers who had both, and those of them who came to the dearer one later.
CREATE TABLE went AS
SELECT a.product_no AS base_no, b.product_no, COUNT(*) AS had,
       COUNT(CASE WHEN b.since > a.since THEN 1 END) AS moved
FROM owned a JOIN owned b ON b.customer = a.customer AND b.category = a.category
CROSS JOIN span p
WHERE b.price > a.price AND b.price * 10 >= a.price * 11
  AND (b.price * 100 <= a.price * (100 + p.gap_percent) OR b.price - a.price <= p.gap_floor)
GROUP BY a.product_no, b.product_no;

CREATE TABLE steps_up AS
SELECT n.base_no, n.product_no, n.orders, COALESCE(l.orders, 0) AS lately, COALESCE(o.owners, 0) AS owners,
       COALESCE(w.moved, 0) AS moved, COALESCE(w.had, 0) AS had, n.base_price, n.price, c.orders AS category_orders
FROM near_by n
JOIN in_category c ON c.category = n.category
LEFT JOIN sold_lately l ON l.product_no = n.product_no
LEFT JOIN liked o ON o.product_no = n.product_no
LEFT JOIN went w ON w.base_no = n.base_no AND w.product_no = n.product_no;
