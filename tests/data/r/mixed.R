# Satterthwaite and Kenward-Roger of lmerTest: the figures of tests/analysis/test_mixed.py.
# Rscript tests/data/r/mixed.R (R 4.2.2, lmerTest 3.1.3, pbkrtest 0.5.2)
suppressMessages(library(lmerTest))
options(digits = 10)
show <- function(rows, weights) {
  frame <- data.frame(y = as.vector(t(rows)), snapshot = factor(rep(seq_len(ncol(rows)), nrow(rows))),
                      search = factor(rep(seq_len(nrow(rows)), each = ncol(rows))))
  control <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-14), calc.derivs = FALSE,
                         check.conv.singular = "ignore")
  fit <- lmer(y ~ 0 + snapshot + (1 | search), frame, REML = TRUE, control = control, na.action = na.omit)
  for (ddf in c("Satterthwaite", "Kenward-Roger")) {
    print(contest1D(fit, weights, ddf = ddf, confint = TRUE))
  }
}
mean3 <- rep(1 / 3, 3)
whole <- rbind(c(3.1, 2.4, 4.0), c(1.2, 0.3, 1.9), c(2.2, 2.9, 3.3), c(4.4, 3.1, 5.2), c(2.0, 1.1, 0.8))
show(whole, mean3)
show(whole, c(0, 0, 1))
part <- whole
part[1, 2] <- NA; part[4, 3] <- NA; part[5, 1] <- NA; part[5, 2] <- NA
show(part, mean3)
show(part, c(1, 0, 0))
alone <- rbind(c(1.0, 3.0), c(2.9, 1.2), c(2.2, 1.9), c(1.4, 2.8))  # nothing between searches
show(alone, c(0.5, 0.5))
