use super::statistics::{Interval, interquartile_mean, interquartile_mean_interval, lowest_part_mean, mean};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Returns of one policy over some episodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Returns {
    /// Mean.
    pub mean: f64,
    /// Standard deviation over episodes (of the population, as `numpy.std`).
    pub std: f64,
    /// Number of episodes.
    pub n: usize,
    /// Mean of the worst twentieth of the episodes (at least one).
    pub worst_5_percent: f64,
    /// Mean of the middle half.
    pub interquartile_mean: f64,
    /// Bootstrap 95 % interval of the interquartile mean.
    pub interquartile_mean_interval: Interval,
    /// The return of each episode, in the order of the seeds.
    pub episodes: Vec<f64>,
}

impl Returns {
    /// The summary of a list of returns.
    pub fn new(episodes: Vec<f64>) -> Self {
        let n = episodes.len();
        if n == 0 {
            return Self::default();
        }
        let mean = mean(&episodes);
        let variance = episodes.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
        Self {
            mean,
            std: variance.sqrt(),
            n,
            worst_5_percent: lowest_part_mean(&episodes, 20),
            interquartile_mean: interquartile_mean(&episodes),
            interquartile_mean_interval: interquartile_mean_interval(&episodes),
            episodes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Returns;

    #[test]
    fn returns_are_summarized_as_numpy_does() {
        let returns = Returns::new((1..=40).map(f64::from).collect());
        assert_eq!((returns.mean, returns.n, returns.worst_5_percent), (20.5, 40, 1.5));
        assert!((returns.std - 11.543_396_380_615_196).abs() < 1e-12);
    }
}
