//! The take-over test: could the expert still have saved an episode that the student lost?

/// Steps before the end of an episode at which the expert takes over, the fewest first.
pub(super) const STEPS_BEFORE: [u32; 2] = [10, 50];
/// Lost episodes of a round that are tried.
pub(super) const EPISODES: usize = 6;
/// An episode is lost where its return is below the expert's mean by more than this share of it, and saved where it is not.
const LOST: f64 = 0.2;

/// Whether an episode's return is far below the expert's.
pub(super) fn is_lost(episode_return: f64, of_expert: f64) -> bool {
    episode_return < of_expert - LOST * of_expert.abs()
}

/// How many lost episodes the expert saved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Saved {
    pub(super) tried: usize,
    /// From each of [`STEPS_BEFORE`].
    pub(super) saved: [usize; STEPS_BEFORE.len()],
}

impl Saved {
    pub(super) fn add(&mut self, other: Self) {
        self.tried += other.tried;
        self.saved.iter_mut().zip(other.saved).for_each(|(sum, saved)| *sum += saved);
    }

    /// How many of a lost episode's last steps even the expert cannot do anything about: those before which it saves no more
    /// than half. What it would do there is worth nothing.
    pub(super) fn hopeless_steps(&self) -> usize {
        match self.saved.iter().position(|saved| 2 * saved > self.tried) {
            _ if self.tried == 0 => 0,
            Some(0) => 0,
            Some(place) => STEPS_BEFORE[place - 1] as usize,
            None => STEPS_BEFORE[STEPS_BEFORE.len() - 1] as usize,
        }
    }

    /// For the log; none where no episode was lost.
    pub(super) fn in_words(&self) -> Option<String> {
        let of = |(saved, before): (&usize, &u32)| format!("{saved} taken over {before} steps before their end");
        let parts: Vec<String> = self.saved.iter().zip(&STEPS_BEFORE).map(of).collect();
        (self.tried > 0).then(|| format!("of {} lost episodes, the expert saves {}", self.tried, parts.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Saved, is_lost};

    #[test]
    fn the_last_steps_are_hopeless_that_the_expert_saves_nothing_from() {
        let hopeless = |saved: [usize; 2]| Saved { tried: 6, saved }.hopeless_steps();
        assert_eq!([[5, 6], [3, 6], [0, 4], [0, 1]].map(hopeless), [0, 10, 10, 50]);
        assert_eq!((Saved::default().hopeless_steps(), Saved::default().in_words()), (0, None));
    }

    #[test]
    fn an_episode_is_lost_far_below_the_expert_s_return() {
        assert!(is_lost(300.0, 500.0) && !is_lost(450.0, 500.0));
        assert!(is_lost(-250.0, -200.0) && !is_lost(-230.0, -200.0));
    }
}
