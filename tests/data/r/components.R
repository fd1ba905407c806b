# REML of lme4, balanced and not: the figures of tests/analysis/test_components.py.
# Rscript tests/data/r/components.R (R 4.2.2, lme4 1.1.31)
suppressMessages(library(lme4))
options(digits = 10)
show <- function(groups) {
  frame <- data.frame(y = unlist(groups), g = factor(rep(seq_along(groups), lengths(groups))))
  control <- lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-14), calc.derivs = FALSE)
  fit <- lmer(y ~ 1 + (1 | g), frame, REML = TRUE, control = control)
  sd <- as.data.frame(VarCorr(fit))$sdcor
  cat("between", sd[1], "within", sd[2], "mean", fixef(fit), "error", sqrt(vcov(fit)[1, 1]), "\n")
}
show(list(c(70.1, 70.9, 70.4), c(71.6, 71.0, 72.1), c(69.2, 70.3, 69.9), c(71.1, 70.2, 70.8)))  # balanced
show(list(c(70.1, 70.9, 70.4), c(71.6, 72.1), c(69.2), c(71.1, 70.2, 70.8, 71.9), c(68.8, 70.1)))
show(list(c(70.1, 71.9), c(71.0, 70.2, 71.3), c(70.6), c(69.9, 71.5)))  # nothing between
show(list(c(70.0, 70.1), c(75.0), c(65.2, 65.0, 65.1), c(80.0, 79.9)))  # nearly all between
