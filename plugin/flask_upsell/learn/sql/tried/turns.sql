-- Who turned to a dearer product of a category after an instant, having bought another one of it before: whatever was
-- learned, so that every method is asked the same.
-- in:  placed, baskets, basket_items, items, parameters(gap_percent, gap_floor), edge(since)
-- out: turns(customer, base_no, product_no), had(customer, product_no)

DROP TABLE IF EXISTS had;
DROP TABLE IF EXISTS turns;

CREATE TABLE had AS
SELECT customer, product_no, category, ROW_NUMBER() OVER (PARTITION BY customer, category
                                                          ORDER BY last DESC, product_no) AS place
FROM (
    SELECT p.customer, i.product_no, i.category, MAX(p.placed_at) AS last
    FROM placed p JOIN basket_items b ON b.order_no = p.order_no JOIN items i ON i.product_no = b.product_no
    WHERE p.customer IS NOT NULL AND i.category IS NOT NULL AND p.placed_at < (SELECT since FROM edge)
    GROUP BY p.customer, i.product_no, i.category
) AS bought_before;

-- A step of less than a tenth is no other class of goods, as in steps.sql.
CREATE TABLE turns AS
SELECT customer, base_no, product_no FROM (
    SELECT p.customer, u.product_no AS base_no, d.product_no,
           ROW_NUMBER() OVER (PARTITION BY p.customer, d.category
                              ORDER BY p.placed_at, p.order_no, d.product_no) AS place
    FROM placed p
    JOIN basket_items b ON b.order_no = p.order_no
    JOIN items d ON d.product_no = b.product_no
    JOIN had u ON u.customer = p.customer AND u.category = d.category AND u.place = 1
    JOIN items s ON s.product_no = u.product_no
    LEFT JOIN had h ON h.customer = p.customer AND h.product_no = d.product_no
    CROSS JOIN parameters g
    WHERE p.placed_at >= (SELECT since FROM edge) AND h.customer IS NULL AND d.price > s.price AND d.price * 10 >= s.price * 11
      AND (d.price * 100 <= s.price * (100 + g.gap_percent) OR d.price - s.price <= g.gap_floor)
) AS ranked
WHERE place = 1;
