-- What is bought together, by numbers: for weights, not for showing.
-- in:  seen, seen_orders, horizon(head, neighbours)
-- out: head(product_no, place), gram(one, other, together, weight), links(from_no, to_no, together)

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

CREATE TABLE links AS
SELECT from_no, to_no, together FROM (
    SELECT d.from_no, d.to_no, d.together,
           ROW_NUMBER() OVER (PARTITION BY d.from_no ORDER BY d.together DESC, d.to_no) AS place
    FROM (SELECT one AS from_no, other AS to_no, together FROM met
          UNION ALL
          SELECT other AS from_no, one AS to_no, together FROM met) AS d
) AS r
WHERE r.place <= (SELECT neighbours FROM horizon);
