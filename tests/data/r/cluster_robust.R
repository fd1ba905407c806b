# CR2, Satterthwaite and HTZ of clubSandwich: the figures of tests/analysis/test_cluster_robust.py.
# Rscript tests/data/r/cluster_robust.R (R 4.2.2, clubSandwich 0.5.8)
suppressMessages(library(clubSandwich))
options(digits = 12)
frame <- data.frame(
  method = rep(c("A", "B", "C"), c(9, 8, 6)),
  search = c(1, 1, 1, 2, 2, 2, 3, 3, 4,  1, 1, 2, 2, 3, 3, 3, 4,  5, 6, 7, 8, 9, 10),
  x = c(1.0, 2.1, 3.2, 1.4, 2.2, 4.1, 0.8, 3.0, 2.5,  2.0, 3.3, 1.1, 2.9, 1.7, 2.6, 3.8, 2.2,  1.2, 2.0, 2.4, 3.1, 3.9, 1.6),
  y = c(70.1, 71.3, 71.9, 69.2, 70.4, 72.8, 71.0, 73.1, 71.5,  70.8, 71.2, 69.1, 70.2, 71.9, 72.5, 72.4, 70.6,
        68.8, 71.1, 70.3, 71.7, 73.9, 70.0)
)
fit <- lm(y ~ 0 + method + method:x, frame)
vcov <- vcovCR(fit, cluster = frame$search, type = "CR2")
print(coef_test(fit, vcov = vcov, test = "Satterthwaite"))
print(unclass(coef_test(fit, vcov = vcov, test = "Satterthwaite"))[c("beta", "SE", "df_Satt", "p_Satt")])
equal <- rbind(c(0, 0, 0, 1, -1, 0), c(0, 0, 0, 1, 0, -1))
print(Wald_test(fit, constraints = equal, vcov = vcov, test = "HTZ"))
print(unclass(Wald_test(fit, constraints = equal, vcov = vcov, test = "HTZ"))[c("Fstat", "df_num", "df_denom", "p_val")])
alone <- vcovCR(fit, cluster = seq_len(nrow(frame)), type = "CR2")
print(unclass(coef_test(fit, vcov = alone, test = "Satterthwaite"))[c("SE", "df_Satt", "p_Satt")])
print(unclass(Wald_test(fit, constraints = equal, vcov = alone, test = "HTZ"))[c("Fstat", "df_denom", "p_val")])
# one cluster holds all of method C: its correction needs a generalised inverse
whole <- replace(frame$search, frame$method == "C", 5)
within <- vcovCR(fit, cluster = whole, type = "CR2")
print(unclass(coef_test(fit, vcov = within, test = "Satterthwaite"))[c("SE", "df_Satt")])
