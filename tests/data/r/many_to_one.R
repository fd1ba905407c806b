# Multivariate t of mvtnorm: the figures of tests/analysis/test_many_to_one.py.
# Rscript tests/data/r/many_to_one.R (R 4.2.2, mvtnorm 1.1.3)
suppressMessages(library(mvtnorm))
set.seed(1)
show <- function(d) {
  n <- nrow(d); t <- colMeans(d) / (apply(d, 2, sd) / sqrt(n))
  p <- sapply(abs(t), function(q) 1 - pmvt(rep(-q, ncol(d)), rep(q, ncol(d)), df = n - 1, corr = cor(d),
                                           algorithm = GenzBretz(maxpts = 5e6, abseps = 1e-7))[1])
  print(rbind(t, p), digits = 6)
}
a <- c(1.1, 0.4, 1.9, 0.8, 1.3); b <- c(0.9, 0.6, 1.2, -0.3, 1.0); c <- c(0.2, -0.8, 0.9, 0.1, -0.2)
show(cbind(a, b)); show(cbind(a, b, c)); show(cbind(a, a + 1e-9 * b))
six <- cbind(a, b, c, a - b + c(0.3, 0.1, -0.4, 0.2, 0.0))
show(six[1:4, ])
