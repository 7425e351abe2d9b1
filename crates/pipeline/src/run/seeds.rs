//! Seeds of episodes: disjoint ranges for each purpose, so that nothing is ever tuned on the seeds that are reported.

use kanrl_core::random::Generator;

/// What an episode is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Expert episodes to learn from; which ones depends on the run's seed.
    Collect,
    /// The student's own episodes, to be labeled by the expert.
    Aggregate,
    /// Episodes that a search keeps its best round or constants by.
    Validate,
    /// Episodes that constants are tuned on.
    Polish,
    /// Episodes to choose between formulas by.
    Select,
    /// Reported episodes: the same for every run, so that runs can be compared pair by pair.
    Report,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 6] =
        [Self::Collect, Self::Aggregate, Self::Validate, Self::Polish, Self::Select, Self::Report];

    /// Its name, as provenance has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Collect => "collect",
            Self::Aggregate => "aggregate",
            Self::Validate => "validate",
            Self::Polish => "polish",
            Self::Select => "select",
            Self::Report => "report",
        }
    }
}

/// First seed of the reported episodes; all others lie below.
pub const FIRST_REPORT_SEED: u64 = 1_000_000_000;

/// `count` seeds for a purpose. Fitting and choosing draw from a range of their own each, at a place that the run's seed
/// decides.
pub fn episodes(run_seed: u64, purpose: Purpose, count: usize) -> Vec<u64> {
    const RANGE: u64 = 200_000_000;
    let range = match purpose {
        Purpose::Report => return (0..count as u64).map(|index| FIRST_REPORT_SEED + index).collect(),
        Purpose::Collect => 0,
        Purpose::Aggregate => 1,
        Purpose::Validate => 2,
        Purpose::Polish => 3,
        Purpose::Select => 4,
    };
    let start = mix(run_seed.wrapping_add(range)) % RANGE;
    (0..count as u64).map(|index| range * RANGE + (start + index) % RANGE).collect()
}

/// A number in [0, 1) that depends on a seed, an observation and the step alone: chance for policies, which must give the
/// same action for the same row regardless of the other rows in the batch.
pub fn unit(seed: u64, observation: &[f64], step: u32) -> f64 {
    (hash(seed, observation, step) >> 11) as f64 / (1_u64 << 53) as f64
}

/// As [`unit()`], for more than one number.
pub fn generator(seed: u64, observation: &[f64], step: u32) -> Generator {
    Generator::new(hash(seed, observation, step))
}

fn hash(seed: u64, observation: &[f64], step: u32) -> u64 {
    observation.iter().fold(mix(seed ^ u64::from(step)), |hash, value| mix(hash ^ value.to_bits()))
}

/// SplitMix64's finalizer (Steele, Lea, Flood 2014): neighboring run seeds give unrelated places.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{FIRST_REPORT_SEED, Purpose, episodes};

    #[test]
    fn purposes_never_share_a_seed() {
        for run_seed in [0, 1, u64::MAX] {
            let mut all: Vec<u64> = Vec::new();
            for purpose in Purpose::ALL {
                let seeds = episodes(run_seed, purpose, 500);
                let is_reported = purpose == Purpose::Report;
                assert!(seeds.iter().all(|seed| (*seed >= FIRST_REPORT_SEED) == is_reported));
                all.extend(seeds);
            }
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count);
        }
        assert_eq!(episodes(1, Purpose::Report, 3), episodes(2, Purpose::Report, 3));
    }
}
