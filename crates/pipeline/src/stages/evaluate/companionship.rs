//! How long a policy's trajectory stays with the expert's from the same start.

use crate::run::Companionship;
use kanrl_core::rollout::Episode;

/// Two trajectories have parted where a coordinate differs by this share of its standard deviation over the expert's episodes.
const APART: f64 = 0.5;

/// Compares recorded episodes of the same seeds, pair by pair. None where there is nothing to compare.
pub fn companionship(expert: &[Episode], own: &[Episode], inputs: usize) -> Option<Companionship> {
    let pairs: Option<Vec<(&[f64], &[f64])>> = expert
        .iter()
        .zip(own)
        .map(|(expert, own)| {
            let (expert, own) = (expert.trajectory.as_ref()?, own.trajectory.as_ref()?);
            Some((&expert.observations[..], &own.observations[..]))
        })
        .collect();
    let pairs = pairs.filter(|pairs| !pairs.is_empty() && inputs > 0)?;
    let rows: Vec<&[f64]> = pairs.iter().flat_map(|(expert, _)| expert.chunks_exact(inputs)).collect();
    let limits: Vec<f64> = (0..inputs)
        .map(|input| {
            let mean = rows.iter().map(|row| row[input]).sum::<f64>() / rows.len() as f64;
            let variance = rows.iter().map(|row| (row[input] - mean).powi(2)).sum::<f64>() / rows.len() as f64;
            APART * variance.sqrt()
        })
        .collect();
    let together = |(expert, own): &(&[f64], &[f64])| {
        let rows = expert.chunks_exact(inputs).zip(own.chunks_exact(inputs));
        let is_close = |(expert, own): &(&[f64], &[f64])| {
            expert.iter().zip(*own).zip(&limits).all(|((expert, own), limit)| (expert - own).abs() <= *limit)
        };
        let steps = rows.take_while(is_close).count() as f64;
        (steps, steps / (expert.len() / inputs).max(1) as f64)
    };
    let each: Vec<(f64, f64)> = pairs.iter().map(together).collect();
    let mean = |value: &dyn Fn(&(f64, f64)) -> f64| each.iter().map(value).sum::<f64>() / each.len() as f64;
    Some(Companionship { steps: mean(&|pair| pair.0), share: mean(&|pair| pair.1) })
}

#[cfg(test)]
mod tests {
    use super::companionship;
    use kanrl_core::action::ActionBatch;
    use kanrl_core::rollout::{Episode, Trajectory};

    fn episode(observations: &[f64]) -> Episode {
        let length = observations.len();
        let trajectory = Trajectory {
            observations: observations.to_vec(),
            actions: ActionBatch::Discrete(vec![0; length]),
            rewards: vec![0.0; length],
            final_observation: vec![0.0],
        };
        Episode {
            seed: 0,
            episode_return: 0.0,
            length: length as u32,
            terminated: false,
            truncated: true,
            diverged: None,
            trajectory: Some(trajectory),
        }
    }

    #[test]
    fn steps_count_until_half_a_deviation() {
        // The expert's standard deviation is 1.
        let expert = [episode(&[1.0, -1.0, 1.0, -1.0]), episode(&[1.0, -1.0])];
        let own = [episode(&[1.0, -0.6, 1.6, -1.0]), episode(&[1.0, -1.0, 1.0])];
        let found = companionship(&expert, &own, 1).unwrap();
        assert_eq!((found.steps, found.share), (2.0, 0.75));
        assert_eq!(companionship(&[], &[], 1), None);
    }
}
