# Moderated t of limma: the figures of tests/analysis/test_moderated.py.
# Rscript tests/data/r/moderated.R (R 4.2.2, limma 3.54.1)
suppressMessages(library(limma))
options(digits = 12)
show <- function(samples) {
  n <- lengths(samples); df <- n - 1; s2 <- sapply(samples, var); m <- sapply(samples, mean)
  q <- squeezeVar(s2, df)
  total <- pmin(df + q$df.prior, sum(df))
  t <- m / sqrt(q$var.post / n)
  cat("prior", q$var.prior, q$df.prior, "\n")
  print(data.frame(post = q$var.post, t = t, df = total, p = 2 * pt(-abs(t), total)))
}
show(list(c(0.91, 1.32, 0.80), c(4.1, -3.9, 2.2), c(-1.0, 5.2, 3.3, -2.8, 0.4), c(3.9, 8.1, -1.7), c(0.3, -6.0, 2.9),
          c(7.7, 2.0, 0.6, 3.1)))
show(list(c(1.0, 2.1, 3.3, 2.2), c(0.9, 2.0, 3.5, 2.4), c(-1.2, 0.1, 0.8, 1.1)))  # alike: infinite freedom
# equal sizes through lmFit and eBayes, the whole way
y <- rbind(c(0.91, 1.32, 0.80), c(4.1, -3.9, 2.2), c(3.9, 8.1, -1.7), c(0.3, -6.0, 2.9))
fit <- eBayes(lmFit(y, matrix(1, 3, 1)))
print(fit$df.prior); print(fit$s2.prior); print(fit$t[, 1]); print(fit$df.total); print(fit$p.value[, 1])
print(topTable(fit, confint = TRUE, sort.by = "none", number = 4)[, c("CI.L", "CI.R")])
print(trigammaInverse(c(1e-8, 0.01, 0.5, 3, 100, 1e8)))
