-- What simple methods answer to some carts: pairs counted, pairs by confidence, and the pairs that merchants see.
-- in:  carts(case_no, product_no), hidden(case_no, product_no), part(first_no, last_no), counted, item_orders, items,
--      complements
-- out: answers(method, case_no, place, product_ref), the first ten of each and, wherever it stands, the hidden one;
--      ties by what is bought more, then by reference

DROP TABLE IF EXISTS asked;
DROP TABLE IF EXISTS added;
DROP TABLE IF EXISTS answers;

CREATE TABLE asked AS
SELECT c.case_no, c.product_no, i.product_ref
FROM carts c JOIN items i ON i.product_no = c.product_no
CROSS JOIN part p
WHERE c.case_no >= p.first_no AND c.case_no < p.last_no;

-- Rounded, as a sum of fractions depends on the order of its parts in the last digit.
CREATE TABLE added AS
SELECT 'pairs' AS method, c.case_no, p.to_no, 1E0 * SUM(p.together) AS score
FROM asked c JOIN counted p ON p.from_no = c.product_no
GROUP BY c.case_no, p.to_no
UNION ALL
SELECT 'confidence', c.case_no, p.to_no, ROUND(SUM(1E0 * p.together / o.orders), 9)
FROM asked c JOIN counted p ON p.from_no = c.product_no JOIN item_orders o ON o.product_no = c.product_no
GROUP BY c.case_no, p.to_no
UNION ALL
SELECT 'evidence', c.case_no, i.product_no, ROUND(SUM(p.weight), 9)
FROM asked c JOIN complements p ON p.antecedent = c.product_ref JOIN items i ON i.product_ref = p.consequent
GROUP BY c.case_no, i.product_no;

CREATE TABLE answers AS
SELECT r.method, r.case_no, r.place, r.product_ref FROM (
    SELECT a.method, a.case_no, i.product_no, i.product_ref,
           ROW_NUMBER() OVER (PARTITION BY a.method, a.case_no
                              ORDER BY a.score DESC, o.orders DESC, i.product_ref) AS place
    FROM added a
    JOIN items i ON i.product_no = a.to_no
    JOIN item_orders o ON o.product_no = a.to_no
    LEFT JOIN asked own ON own.case_no = a.case_no AND own.product_no = a.to_no
    WHERE own.case_no IS NULL
) AS r
JOIN hidden h ON h.case_no = r.case_no
WHERE r.place <= 10 OR r.product_no = h.product_no;
