# Probability of improvement and its bootstrap: the figures of tests/analysis/test_improvement.py.
# Rscript tests/data/r/improvement.R (R 4.2.2, no package)
set.seed(2)
show <- function(x, y) {
  above <- (sign(outer(x, y, "-")) + 1) / 2
  drawn <- replicate(400000, mean(above[sample.int(length(x), replace = TRUE), sample.int(length(y), replace = TRUE)]))
  cat(mean(above), wilcox.test(x, y, exact = FALSE)$statistic / (length(x) * length(y)), quantile(drawn, c(.025, .975)), "\n")
}
show(c(72.4, 70.9, 73.8, 71.2, 74.0), c(70.1, 71.3, 71.0, 70.8, 71.9))
show(c(70.2, 71.1, 69.8, 70.9, 71.5, 70.4, 70.0, 71.2, 70.7, 70.3), c(70.1, 70.9, 69.9, 70.3, 70.8, 70.2, 69.7, 70.6, 70.5, 70.4))
