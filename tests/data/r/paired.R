# What base R gives for paired data: the figures of tests/analysis/test_{fieller,effects,equivalence,...}.py.
# Rscript tests/data/r/paired.R (R 4.2.2, no package)
options(digits = 12)
own <- c(72.4, 70.9, 73.8, 71.2, 74.0)
twin <- c(70.1, 70.3, 71.0, 70.8, 71.9)
n <- length(own)

cat("-- Fieller: ends are the ratios at which a t test of own - ratio * twin has p = .05\n")
gain <- c(3.0, 1.2, 2.1, 4.4, 2.6, 3.9)
base <- c(2.4, 0.8, 2.2, 3.1, 2.9, 3.0)
p_at <- function(ratio) t.test(gain - ratio * base)$p.value - 0.05
low <- uniroot(p_at, c(0.2, mean(gain) / mean(base)), tol = 1e-12)$root
high <- uniroot(p_at, c(mean(gain) / mean(base), 5), tol = 1e-12)$root
print(100 * (c(mean(gain) / mean(base), low, high) - 1))
print(100 * (mean(gain / base) - 1))  # the mean of ratios

cat("-- Hedges's g, its degrees of freedom, Bonett's interval\n")
r <- cor(own, twin); nu <- 2 * (n - 1) / (1 + r^2); s2 <- (var(own) + var(twin)) / 2
j <- exp(lgamma(nu / 2) - lgamma((nu - 1) / 2)) / sqrt(nu / 2)
d <- (mean(own) - mean(twin)) / sqrt(s2)
v <- d^2 * (var(own)^2 + var(twin)^2 + 2 * cov(own, twin)^2) / (8 * (n - 1) * s2^2) + var(own - twin) / (s2 * (n - 1))
print(c(r, nu, j, j * d, d - qnorm(0.975) * sqrt(v), d + qnorm(0.975) * sqrt(v)))

cat("-- TOST at 3 and 4 points, interval of level .9\n")
for (m in c(3, 4)) print(c(t.test(own, twin, paired = TRUE, mu = -m, alternative = "greater")$p.value,
                           t.test(own, twin, paired = TRUE, mu = m, alternative = "less")$p.value))
print(t.test(own, twin, paired = TRUE, conf.level = 0.9)$conf.int[1:2])

cat("-- posterior of the mean difference, margin 1\n")
x <- own - twin; se <- sd(x) / sqrt(n)
print(c(pt((-1 - mean(x)) / se, n - 1), diff(pt((c(-1, 1) - mean(x)) / se, n - 1)), 1 - pt((1 - mean(x)) / se, n - 1)))
se <- sd(x) * sqrt(1 / n + 0.2 / 0.8)  # correlated by .2
print(c(pt((-1 - mean(x)) / se, n - 1), diff(pt((c(-1, 1) - mean(x)) / se, n - 1)), 1 - pt((1 - mean(x)) / se, n - 1)))

cat("-- Clopper-Pearson\n")
for (k in c(0, 2, 5)) print(binom.test(k, 5)$conf.int[1:2])
print(binom.test(3, 40, conf.level = 0.9)$conf.int[1:2])

cat("-- sign flips, all of them: on differences, on ranks with one failure of the twin's\n")
flip <- function(z) {
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(z))))
  mean(abs(signs %*% abs(z)) >= abs(sum(z)) - 1e-9)
}
z <- c(2.3, 0.6, 2.8, -0.4, 2.1, -1.9, 0.9)
print(c(flip(z), flip(sign(z) * rank(abs(z)))))
print(c(flip(sign(c(z, 100)) * rank(abs(c(z, 100)))), flip(sign(c(z, -100)) * rank(abs(c(z, -100))))))

cat("-- power: the smallest effect of 5 pairs, seeds for .2 at sd 1.843, and at the ends of its interval on 24 degrees\n")
print(power.t.test(n = 5, sd = 1, power = 0.8, type = "paired", strict = TRUE)$delta)
sds <- 1.843 * c(1, sqrt(24 / qchisq(0.975, 24)), sqrt(24 / qchisq(0.025, 24)))
print(sds)
for (s in sds) print(power.t.test(delta = 0.2, sd = s, power = 0.8, type = "paired", strict = TRUE)$n)
