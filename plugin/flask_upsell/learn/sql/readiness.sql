-- How much there is to learn from, and how far what was learned reaches.
-- in:  baskets, totals, basket_items, items, products, item_orders, parameters, complements, upgrades
-- out: readiness, one row; `lines` are products of orders: what sells more counts more

DROP TABLE IF EXISTS told;
DROP TABLE IF EXISTS latest;
DROP TABLE IF EXISTS lines_of;
DROP TABLE IF EXISTS readiness;

CREATE TABLE told AS
SELECT order_no, size, customer, placed_at FROM baskets;

-- The last 15 % of the orders, which a model is fitted to. Orders are numbered in the sequence of time.
CREATE TABLE latest AS
SELECT MIN(placed_at) AS since FROM told WHERE order_no >= 0.85 * (SELECT orders FROM totals);

-- Whether the next dearer one of its category is within the price gap.
CREATE TABLE lines_of AS
SELECT o.product_no, o.orders, i.category, g.category AS given,
       CASE WHEN c.antecedent IS NULL THEN 0 ELSE 1 END AS has_pair,
       CASE WHEN u.antecedent IS NULL THEN 0 ELSE 1 END AS has_upgrade,
       CASE WHEN n.dearer * 100 <= i.price * (100 + p.gap_percent) OR n.dearer - i.price <= p.gap_floor
            THEN 1 ELSE 0 END AS has_step
FROM item_orders o
JOIN items i ON i.product_no = o.product_no
JOIN products g ON g.product_ref = i.product_ref
LEFT JOIN (SELECT DISTINCT antecedent FROM complements) AS c ON c.antecedent = i.product_ref
LEFT JOIN (SELECT DISTINCT antecedent FROM upgrades) AS u ON u.antecedent = i.product_ref
LEFT JOIN (
    SELECT category, price, LEAD(price) OVER (PARTITION BY category ORDER BY price) AS dearer
    FROM (SELECT DISTINCT category, price FROM items WHERE category IS NOT NULL) AS steps
) AS n ON n.category = i.category AND n.price = i.price
CROSS JOIN parameters p;

CREATE TABLE readiness AS
SELECT t.orders, t.baskets, t.begun, t.ended, t.known_orders, t.again, s.lines, s.often, s.paired, s.sorted, s.found,
       s.stepped, s.upgraded, (SELECT COUNT(*) FROM complements) AS pairs
FROM (
    SELECT COUNT(*) AS orders, COALESCE(SUM(CASE WHEN w.size >= 2 THEN 1 ELSE 0 END), 0) AS baskets,
           COALESCE(MIN(w.placed_at), 0) AS begun, COALESCE(MAX(w.placed_at), 0) AS ended,
           COUNT(w.customer) AS known_orders,
           COALESCE(SUM(CASE WHEN w.size >= 2 AND w.placed_at >= c.since AND w.began < c.since THEN 1 ELSE 0 END), 0)
               AS again
    FROM (
        SELECT d.*, CASE WHEN d.customer IS NULL THEN NULL ELSE MIN(d.placed_at) OVER (PARTITION BY d.customer) END
                        AS began
        FROM told d
    ) AS w
    CROSS JOIN latest c
) AS t
CROSS JOIN (
    SELECT COALESCE(SUM(orders), 0) AS lines,
           COALESCE(SUM(CASE WHEN orders >= (SELECT min_support FROM parameters) THEN orders ELSE 0 END), 0) AS often,
           COALESCE(SUM(orders * has_pair), 0) AS paired,
           COALESCE(SUM(CASE WHEN given IS NOT NULL THEN orders ELSE 0 END), 0) AS sorted,
           COALESCE(SUM(CASE WHEN given IS NULL AND category IS NOT NULL THEN orders ELSE 0 END), 0) AS found,
           COALESCE(SUM(orders * has_step), 0) AS stepped,
           COALESCE(SUM(orders * has_upgrade * has_step), 0) AS upgraded
    FROM lines_of
) AS s;
