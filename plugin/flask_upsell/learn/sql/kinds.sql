-- What is bought together by kinds of products, so that rarely bought and new ones borrow from their category.
-- in:  seen, seen_orders, items, horizon(neighbours)
-- out: part_of(product_no, category, share, place), kind_pairs(one, other, likely, place),
--      kind_links(category, to_no, likely)

DROP TABLE IF EXISTS part_of;
DROP TABLE IF EXISTS kind_orders;
DROP TABLE IF EXISTS kind_met;
DROP TABLE IF EXISTS kind_pairs;
DROP TABLE IF EXISTS kind_links;

-- A category of one product says no more than the product. `share`: of what is bought of the category.
CREATE TABLE part_of AS
SELECT i.product_no, i.category, (CAST(COALESCE(o.orders, 0) AS DOUBLE) + 0.5) / c.lines AS share,
       ROW_NUMBER() OVER (PARTITION BY i.category ORDER BY COALESCE(o.orders, 0) DESC, i.product_no) AS place
FROM items i
JOIN (
    SELECT i.category, SUM(CAST(COALESCE(o.orders, 0) AS DOUBLE) + 0.5) AS lines
    FROM items i LEFT JOIN seen_orders o ON o.product_no = i.product_no
    WHERE i.category IS NOT NULL
    GROUP BY i.category
    HAVING COUNT(*) > 1
) AS c ON c.category = i.category
LEFT JOIN seen_orders o ON o.product_no = i.product_no;

CREATE TABLE kind_orders AS
SELECT s.order_no, p.category, COUNT(*) AS lines
FROM seen s JOIN part_of p ON p.product_no = s.product_no
GROUP BY s.order_no, p.category;

-- For each line of the one, the lines of the other beside it.
CREATE TABLE kind_met AS
SELECT a.category AS one, b.category AS other,
       SUM(CASE WHEN a.category = b.category THEN a.lines * (a.lines - 1) ELSE a.lines * b.lines END) AS together
FROM kind_orders a JOIN kind_orders b ON b.order_no = a.order_no
GROUP BY a.category, b.category;

-- How many lines of the other come with one of the one. Twenty lines more: few prove little.
CREATE TABLE kind_pairs AS
SELECT one, other, likely, place FROM (
    SELECT m.one, m.other, CAST(m.together AS DOUBLE) / (o.lines + 20) AS likely,
           ROW_NUMBER() OVER (PARTITION BY m.one ORDER BY m.together DESC, m.other) AS place
    FROM kind_met m
    JOIN (SELECT category, SUM(lines) AS lines FROM kind_orders GROUP BY category) AS o ON o.category = m.one
    WHERE m.together > 1
) AS ranked;

-- What the products of a category lead to, whichever of them it is.
CREATE TABLE kind_links AS
SELECT category, to_no, likely FROM (
    SELECT k.one AS category, p.product_no AS to_no, k.likely * p.share AS likely,
           ROW_NUMBER() OVER (PARTITION BY k.one ORDER BY k.likely * p.share DESC, p.product_no) AS place
    FROM kind_pairs k JOIN part_of p ON p.category = k.other
    WHERE k.place <= 60 AND p.place <= 40
) AS ranked
WHERE place <= (SELECT neighbours FROM horizon);
