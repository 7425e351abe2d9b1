//! Exact bounds of a probability from counts.

/// The upper bound of C. J. Clopper and E. S. Pearson (1934): the largest probability of failure under which so few failures
/// in so many trials still have a probability of `1 − confidence`.
///
/// A one-sided bound: in a share of at least `confidence` of all experiments the probability is below it.
///
/// ```
/// use kanrl_verify::upper_failure_probability;
/// // None in a hundred: 1 − 0.01^(1/100).
/// assert!((upper_failure_probability(0, 100, 0.99) - 0.0450).abs() < 1e-4);
/// assert_eq!(upper_failure_probability(5, 5, 0.99), 1.0);
/// ```
pub fn upper_failure_probability(failures: u64, trials: u64, confidence: f64) -> f64 {
    if failures >= trials {
        return 1.0;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // Halvings until no double lies between.
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if at_most(failures, trials, middle) > 1.0 - confidence {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Probability of at most so many failures.
fn at_most(failures: u64, trials: u64, probability: f64) -> f64 {
    if probability <= 0.0 {
        return 1.0;
    }
    if probability >= 1.0 {
        return 0.0;
    }
    let (k, n) = (failures as f64, trials as f64);
    let choose = libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    let logarithm = choose + k * probability.ln() + (n - k) * libm::log1p(-probability);
    // From the last term down; terms fall once below the mean, and rise towards it at first above it.
    let (mut term, mut sum, mut largest) = (1.0_f64, 0.0_f64, 1.0_f64);
    let odds = (1.0 - probability) / probability;
    let mut index = k;
    loop {
        sum += term;
        largest = largest.max(term);
        if index == 0.0 || term < 1e-18 * largest || !sum.is_finite() {
            break;
        }
        term *= index / (n - index + 1.0) * odds;
        index -= 1.0;
    }
    (logarithm + sum.ln()).exp().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::upper_failure_probability;

    #[test]
    fn bounds_are_scipys() {
        // scipy.stats.beta.ppf(0.99, k + 1, n - k).
        for (failures, trials, bound) in [
            (0, 1_000_000, 4.605159582e-6),
            (1, 100, 0.064_554_9),
            (10, 1000, 0.020_018_6),
            (50, 100, 0.618_755_0),
            (3, 4, 0.997_490_5),
        ] {
            let found = upper_failure_probability(failures, trials, 0.99);
            assert!((found / bound - 1.0).abs() < 2e-3, "{failures} of {trials}: {found} instead of {bound}");
        }
    }
}
