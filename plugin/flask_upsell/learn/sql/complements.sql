-- What is bought together more often than by chance: co-purchases with support, ranked by shrunk cosine.
-- in:  basket_items, items, item_orders, totals, parameters
-- out: complements(antecedent, consequent, weight, together, base, consequent_orders, orders)

-- A pair cannot have more support than its rarer product, so rare products are left out before they are joined.
CREATE TABLE frequent AS
SELECT b.order_no, b.product_no
FROM basket_items b JOIN item_orders o ON o.product_no = b.product_no
WHERE o.orders >= (SELECT min_support FROM parameters);

CREATE TABLE pairs AS
SELECT a.product_no AS one, b.product_no AS other, COUNT(*) AS together
FROM frequent a JOIN frequent b ON b.order_no = a.order_no AND b.product_no > a.product_no
GROUP BY a.product_no, b.product_no
HAVING COUNT(*) >= (SELECT min_support FROM parameters);

CREATE TABLE complements AS
SELECT f.product_ref AS antecedent, t.product_ref AS consequent, r.weight, r.together, r.base, r.consequent_orders, r.orders
FROM (
    SELECT s.*, ROW_NUMBER() OVER (PARTITION BY s.from_no ORDER BY s.weight DESC, s.to_no) AS place
    FROM (
        SELECT d.from_no, d.to_no, d.together, a.orders AS base, c.orders AS consequent_orders, n.orders AS orders,
               d.together / (SQRT(1E0 * a.orders * c.orders) + 10) AS weight
        FROM (SELECT one AS from_no, other AS to_no, together FROM pairs
              UNION ALL
              SELECT other AS from_no, one AS to_no, together FROM pairs) AS d
        JOIN item_orders a ON a.product_no = d.from_no
        JOIN item_orders c ON c.product_no = d.to_no
        CROSS JOIN totals n
        CROSS JOIN parameters p
        WHERE 1E0 * d.together * n.orders >= p.min_lift * a.orders * c.orders
        -- By chance they would meet in a * c / n orders, with the variance of drawing without putting back.
          AND d.together - 1E0 * a.orders * c.orders / n.orders
              >= p.min_certainty * SQRT(1E0 * a.orders * c.orders / n.orders
                                        * (1 - 1E0 * a.orders / n.orders)
                                        * (1 - 1E0 * c.orders / n.orders))
    ) AS s
) AS r
JOIN items f ON f.product_no = r.from_no
JOIN items t ON t.product_no = r.to_no
WHERE r.place <= (SELECT neighbours FROM parameters);
