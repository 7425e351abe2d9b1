//! Summaries of returns, as rliable reports them (Agarwal et al. 2021, arXiv 2108.13264).

use kanrl_core::random::Generator;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

/// A two-sided 95 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The mean; 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Mean of the lowest of `parts` equal parts, of at least one value: 20 for the worst 5 %.
pub fn lowest_part_mean(values: &[f64], parts: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    mean(&sorted[..values.len().div_ceil(parts)])
}

/// Mean of the middle half: a quarter of the values, rounded down, is left out at each end (`scipy.stats.trim_mean` with
/// 0.25). NaN without values.
pub fn interquartile_mean(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle_mean(&sorted)
}

/// Percentile bootstrap interval of the interquartile mean; deterministic.
pub fn interquartile_mean_interval(values: &[f64]) -> Interval {
    bootstrap(values, |sample| {
        sample.sort_by(f64::total_cmp);
        middle_mean(sample)
    })
}

/// Percentile bootstrap interval of the mean; deterministic. For the difference of two policies on paired seeds, give the
/// differences.
pub fn mean_interval(values: &[f64]) -> Interval {
    bootstrap(values, |sample| sample.iter().sum::<f64>() / sample.len() as f64)
}

fn middle_mean(sorted: &[f64]) -> f64 {
    let cut = sorted.len() / 4;
    let middle = &sorted[cut..sorted.len() - cut];
    // NaN without values.
    middle.iter().sum::<f64>() / middle.len() as f64
}

fn bootstrap(values: &[f64], statistic: impl Fn(&mut [f64]) -> f64) -> Interval {
    if values.is_empty() {
        return Interval { low: f64::NAN, high: f64::NAN };
    }
    let mut random = Generator::new(0);
    let mut sample = vec![0.0; values.len()];
    let mut statistics = Vec::with_capacity(RESAMPLES);
    for _ in 0..RESAMPLES {
        for slot in &mut sample {
            *slot = values[random.integers(0, values.len() as i64) as usize];
        }
        statistics.push(statistic(&mut sample));
    }
    statistics.sort_by(f64::total_cmp);
    let quantile = |share: f64| statistics[(share * (RESAMPLES - 1) as f64).round() as usize];
    Interval { low: quantile(0.025), high: quantile(0.975) }
}

#[cfg(test)]
mod tests {
    use super::{interquartile_mean, interquartile_mean_interval, mean_interval};

    #[test]
    fn the_interquartile_mean_leaves_out_a_quarter_at_each_end() {
        assert_eq!(interquartile_mean(&[1000.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -1000.0]), 3.5);
        assert_eq!(interquartile_mean(&[7.0]), 7.0);
    }

    #[test]
    fn intervals_hold_the_estimate_and_shrink_to_a_point_for_equal_values() {
        let values: Vec<f64> = (0..100).map(|index| f64::from(index * 37 % 100)).collect();
        let interval = mean_interval(&values);
        // The standard error of the mean is 28.9 / 10.
        assert!((interval.low - 43.8).abs() < 1.0 && (interval.high - 55.2).abs() < 1.0, "{interval:?}");
        let interval = interquartile_mean_interval(&values);
        assert!(interval.low < 49.5 && 49.5 < interval.high, "{interval:?}");
        let interval = mean_interval(&[500.0; 20]);
        assert_eq!((interval.low, interval.high), (500.0, 500.0));
    }
}
