-- What is bought together, by numbers: for weights, not for showing.
-- in:  seen, seen_orders, part_of, kind_pairs, kind_links, horizon(head, neighbours)
-- out: head(product_no, place), gram(one, other, together, weight), links(from_no, to_no, together, likely)

DROP TABLE IF EXISTS head;
DROP TABLE IF EXISTS gram;
DROP TABLE IF EXISTS met;
DROP TABLE IF EXISTS links;

-- The most bought products: all their pairs are weighed together, which takes the square of their number.
CREATE TABLE head AS
SELECT product_no, place FROM (
    SELECT product_no, ROW_NUMBER() OVER (ORDER BY orders DESC, product_no) - 1 AS place FROM seen_orders
) AS ranked
WHERE place < (SELECT head FROM horizon);

-- A large basket says less about each of its pairs than a small one. Whole numbers are added up, so that the sum is the
-- same whatever comes first.
CREATE TABLE gram AS
SELECT a.place AS one, b.place AS other, COUNT(*) AS together, SUM(a.share) / 1E6 AS weight
FROM (SELECT s.order_no, h.place, CAST(FLOOR(1E6 / SQRT(SQRT(s.size)) + 0.5) AS BIGINT) AS share
      FROM seen s JOIN head h ON h.product_no = s.product_no) AS a
JOIN (SELECT s.order_no, h.place FROM seen s JOIN head h ON h.product_no = s.product_no) AS b
  ON b.order_no = a.order_no AND b.place >= a.place
GROUP BY a.place, b.place;

CREATE TABLE met AS
SELECT a.product_no AS one, b.product_no AS other, COUNT(*) AS together
FROM seen a JOIN seen b ON b.order_no = a.order_no AND b.product_no > a.product_no
GROUP BY a.product_no, b.product_no
HAVING COUNT(*) >= 2;

-- Both ways; a pair's kinds make up for what few orders leave open.
CREATE TABLE links AS
SELECT from_no, to_no, together, likely FROM (
    SELECT d.from_no, d.to_no, d.together, d.likely,
           ROW_NUMBER() OVER (PARTITION BY d.from_no ORDER BY d.together + 20 * d.likely DESC, d.to_no) AS place
    FROM (
        SELECT m.from_no, m.to_no, MAX(m.together) AS together, MAX(m.likely) AS likely
        FROM (
            SELECT w.from_no, w.to_no, w.together, COALESCE(k.likely * t.share, 0) AS likely
            FROM (SELECT one AS from_no, other AS to_no, together FROM met
                  UNION ALL
                  SELECT other AS from_no, one AS to_no, together FROM met) AS w
            LEFT JOIN part_of f ON f.product_no = w.from_no
            LEFT JOIN part_of t ON t.product_no = w.to_no
            LEFT JOIN kind_pairs k ON k.one = f.category AND k.other = t.category
            UNION ALL
            SELECT f.product_no AS from_no, l.to_no, 0 AS together, l.likely
            FROM part_of f JOIN kind_links l ON l.category = f.category
            WHERE l.to_no <> f.product_no
        ) AS m
        GROUP BY m.from_no, m.to_no
    ) AS d
) AS r
WHERE r.place <= (SELECT neighbours FROM horizon);
