-- A dearer product of the same category that people choose: ranked by how often, those within the price gap first.
-- in:  items, basket_items, item_orders, totals, parameters
-- out: upgrades(antecedent, consequent, weight, together, base, consequent_orders, orders)

CREATE TABLE category_orders AS
SELECT i.category, COUNT(DISTINCT b.order_no) AS orders
FROM basket_items b JOIN items i ON i.product_no = b.product_no
WHERE i.category IS NOT NULL
GROUP BY i.category;

-- The most chosen products of each category. Two hundred bound the join: a shop may have one category for everything.
CREATE TABLE chosen AS
SELECT product_no, product_ref, category, price, months, orders
FROM (
    SELECT i.product_no, i.product_ref, i.category, i.price, i.months, o.orders,
           ROW_NUMBER() OVER (PARTITION BY i.category ORDER BY o.orders DESC, i.product_no) AS place
    FROM items i JOIN item_orders o ON o.product_no = i.product_no
    WHERE i.category IS NOT NULL AND o.orders >= (SELECT min_support FROM parameters)
) AS placed
WHERE place <= 200;

-- `room` is the price gap that policy allows, in hundredths; twice that is still published, so that a wider policy works
-- before the next learning. A longer period is a step up only as the same thing at a saving: 70 % to 100 % of the price
-- of a month.
CREATE TABLE upgrades AS
SELECT antecedent, consequent, weight, together, base, consequent_orders, orders
FROM (
    SELECT u.*, ROW_NUMBER() OVER (PARTITION BY antecedent
                                   ORDER BY CASE WHEN step * 100 <= room THEN 0 ELSE 1 END,
                                            weight DESC, consequent) AS place
    FROM (
        SELECT s.product_ref AS antecedent, d.product_ref AS consequent,
               1E0 * d.orders / k.orders AS weight,
               d.orders AS together, k.orders AS base, d.orders AS consequent_orders, n.orders AS orders,
               CASE WHEN COALESCE(d.months, 0) = COALESCE(s.months, 0) THEN d.price - s.price ELSE 0 END AS step,
               CASE WHEN s.price * p.gap_percent > p.gap_floor * 100
                    THEN s.price * p.gap_percent ELSE p.gap_floor * 100 END AS room
        FROM items s
        JOIN chosen d ON d.category = s.category
        JOIN category_orders k ON k.category = s.category
        CROSS JOIN totals n
        CROSS JOIN parameters p
        WHERE d.orders >= p.min_share * k.orders
          AND ((COALESCE(d.months, 0) = COALESCE(s.months, 0) AND d.price > s.price)
               OR (d.months > s.months AND d.price * s.months <= s.price * d.months
                   AND d.price * s.months * 10 >= s.price * d.months * 7))
    ) AS u
    WHERE step * 50 <= room
) AS r
WHERE place <= 8;
