//! Constants of a formula tuned by CMA-ES.

use super::objective::{Objective, Worth};
use super::returns::{Played, WORST};
use super::states::States;
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::run::seeds::{self, Purpose};
use kanrl_core::optimize::CmaEs;

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// The run's seed.
    pub seed: u64,
    /// Weight of disagreement with the expert beside return; 0 for return alone.
    pub lambda: f64,
    /// First step, in standard deviations of the outputs for each constant.
    pub step_size: f64,
    /// Fewest and most episodes that a candidate is judged by.
    pub episodes: (usize, usize),
    /// Generations that a budget should be enough for: long episodes are played less often.
    pub generations: u64,
    /// Episodes that the center of the search is compared by, on seeds of its own; three times as many have to confirm that it
    /// is better.
    pub validation_episodes: usize,
}

/// Generations between two looks at the center of the search.
const CHECK_EVERY: usize = 5;
/// How many times the validation episodes are played to confirm an improvement: the best of many noisy scores is mostly
/// noise.
const CONFIRMATION: usize = 3;
/// Fewest candidates of a generation.
const LEAST_CANDIDATES: usize = 12;
/// Searches from the best constants, each with twice the step of the one before, that end because nothing changes.
const MOST_SEARCHES: u64 = 4;

/// A search that can be continued: all candidates of a generation play the same seeds, each generation plays new ones,
/// and the center is kept that did best on the validation seeds.
pub struct Search<'a> {
    objective: &'a Objective<'a>,
    options: SearchOptions,
    /// The formula, its constants laid open.
    draft: Draft,
    free: Vec<usize>,
    scales: Vec<f64>,
    /// What is running: the constants that it began at, and the steps from there in units of the scales.
    running: Option<(Vec<f64>, CmaEs)>,
    searches: u64,
    generation: usize,
    validation: Vec<u64>,
    /// The expert's returns on them, once they are known.
    validation_of_expert: Option<Vec<f64>>,
    /// States that the formula visited with the constants that were last looked at.
    own_states: Option<States>,
    best: Vec<f64>,
    /// What they are worth on the validation seeds, and their value on the first of them only.
    best_worth: Worth,
    best_first_value: f64,
    steps: u64,
    episodes: u64,
}

impl<'a> Search<'a> {
    /// A search from the draft's constants. `rows` `[rows, inputs]` are observations that scales are measured on.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn new(
        draft: Draft,
        rows: &[f64],
        objective: &'a Objective<'a>,
        options: SearchOptions,
    ) -> Result<Self, StageError> {
        let validation = seeds::episodes(options.seed, Purpose::Validate, CONFIRMATION * options.validation_episodes);
        let nothing = Worth { score: WORST, shortfall: -WORST, disagreement: 0.0 };
        let mut search = Self {
            objective,
            free: draft.free(),
            scales: draft.scales(rows),
            running: None,
            searches: 0,
            generation: 0,
            validation_of_expert: None,
            own_states: None,
            best: draft.constants().to_vec(),
            best_worth: nothing,
            best_first_value: f64::NEG_INFINITY,
            steps: 0,
            episodes: 0,
            options,
            draft,
            validation,
        };
        search.look_at(search.best.clone())?;
        Ok(search)
    }

    /// The formula with the best constants so far.
    pub fn draft(&self) -> Draft {
        self.draft.with_constants(&self.best)
    }

    /// What they are worth on the validation seeds.
    pub fn worth(&self) -> Worth {
        self.best_worth
    }

    /// The same as one number.
    pub fn value(&self) -> f64 {
        self.value_of(self.best_worth)
    }

    /// States that the formula visited with constants like these; none where nobody can be asked about them.
    pub fn own_states(&self) -> Option<&States> {
        self.own_states.as_ref()
    }

    /// Mean length of an episode so far.
    pub fn episode_length(&self) -> u64 {
        (self.steps / self.episodes.max(1)).max(1)
    }

    /// Environment steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Searches on for a number of environment steps. `more` hears the steps taken and what the best constants are worth, and
    /// can end it.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn advance(&mut self, steps: u64, more: &mut dyn FnMut(u64, Worth) -> bool) -> Result<(), StageError> {
        let first = self.steps;
        while self.steps - first < steps && !self.free.is_empty() {
            let (start, mut cma_es) = self.running.take().unwrap_or_else(|| self.begun());
            let candidates: Vec<Vec<f64>> = cma_es.ask().iter().map(|x| self.constants(&start, x)).collect();
            let seeds = self.generation_seeds(steps, candidates.len());
            let expert = self.of_expert(&seeds)?;
            let worths = self.worths(&candidates, &seeds, expert.as_deref())?;
            cma_es.tell(&worths.iter().map(|worth| -self.value_of(*worth)).collect::<Vec<_>>());
            self.generation += 1;
            if cma_es.is_exhausted() || self.generation.is_multiple_of(CHECK_EVERY) {
                self.look_at(self.constants(&start, cma_es.mean()))?;
            }
            if !cma_es.is_exhausted() {
                self.running = Some((start, cma_es));
            } else if self.searches == MOST_SEARCHES {
                return Ok(());
            }
            if !more(self.steps - first, self.best_worth) {
                break;
            }
        }
        Ok(())
    }

    fn value_of(&self, worth: Worth) -> f64 {
        worth.value(self.objective.unit, self.options.lambda)
    }

    /// The constants that lie `x` scales from `start`.
    fn constants(&self, start: &[f64], x: &[f64]) -> Vec<f64> {
        let mut constants = start.to_vec();
        for ((place, scale), x) in self.free.iter().zip(&self.scales).zip(x) {
            constants[*place] += scale * x;
        }
        constants
    }

    /// Visits the states that these constants lead to, and keeps them where the validation episodes confirm that they are
    /// better.
    fn look_at(&mut self, center: Vec<f64>) -> Result<(), StageError> {
        let seeds = self.validation.clone();
        let first_seeds = &seeds[..self.options.validation_episodes];
        if self.validation_of_expert.is_none() {
            self.validation_of_expert = self.of_expert(&seeds)?;
        }
        let expert = self.validation_of_expert.clone();
        let first_of_expert = expert.as_ref().map(|returns| &returns[..first_seeds.len()]);
        let worth = if self.options.lambda == 0.0 {
            self.worths(std::slice::from_ref(&center), first_seeds, first_of_expert)?[0]
        } else {
            let (states, played) = self.objective.visit(&self.draft.with_constants(&center), first_seeds)?;
            self.steps += played.steps;
            self.episodes += first_seeds.len() as u64;
            self.own_states = states;
            let disagreement = self.disagreements(std::slice::from_ref(&center))?[0];
            self.objective.worth(&played.returns, first_of_expert, disagreement)
        };
        let first_value = self.value_of(worth);
        if first_value > self.best_first_value {
            let worth = self.worths(std::slice::from_ref(&center), &seeds, expert.as_deref())?[0];
            if self.best_first_value.is_infinite() || self.value_of(worth) > self.value() {
                (self.best, self.best_worth, self.best_first_value) = (center, worth, first_value);
            }
        }
        Ok(())
    }

    /// The expert's returns on these seeds, where formulas are compared with it.
    fn of_expert(&mut self, seeds: &[u64]) -> Result<Option<Vec<f64>>, StageError> {
        if self.options.lambda == 0.0 {
            return Ok(None);
        }
        let played = self.objective.of_expert(seeds)?;
        self.steps += played.as_ref().map_or(0, |played| played.steps);
        Ok(played.map(|played| played.returns))
    }

    fn worths(
        &mut self,
        candidates: &[Vec<f64>],
        seeds: &[u64],
        expert: Option<&[f64]>,
    ) -> Result<Vec<Worth>, StageError> {
        let play = &self.objective.play;
        let played = play.play(&self.draft, candidates, seeds)?;
        self.steps += played.iter().map(|played| played.steps).sum::<u64>();
        self.episodes += (candidates.len() * seeds.len()) as u64;
        let disagreements = self.disagreements(candidates)?;
        let worth =
            |(played, disagreement): (&Played, f64)| self.objective.worth(&played.returns, expert, disagreement);
        Ok(played.iter().zip(disagreements).map(worth).collect())
    }

    fn disagreements(&self, candidates: &[Vec<f64>]) -> Result<Vec<f64>, StageError> {
        if self.options.lambda == 0.0 {
            return Ok(vec![0.0; candidates.len()]);
        }
        self.objective.disagreements(&self.draft, candidates, self.own_states.as_ref())
    }

    /// A search from the best constants, with a longer first step each time.
    fn begun(&mut self) -> (Vec<f64>, CmaEs) {
        let dimension = self.free.len();
        let step_size = self.options.step_size * 2.0_f64.powi(self.searches as i32);
        let candidates = CmaEs::default_candidates(dimension).max(LEAST_CANDIDATES);
        self.searches += 1;
        let seed = self.options.seed.wrapping_add(self.searches);
        (self.best.clone(), CmaEs::new(&vec![0.0; dimension], step_size, candidates, seed))
    }

    /// New seeds for a generation: as many as the budget allows for the wanted number of generations.
    fn generation_seeds(&self, budget: u64, candidates: usize) -> Vec<u64> {
        let (fewest, most) = self.options.episodes;
        let length = self.episode_length();
        let affordable = budget / (self.options.generations * candidates as u64 * length).max(1);
        let count = (affordable as usize).clamp(fewest, most);
        let all = seeds::episodes(self.options.seed, Purpose::Polish, (self.generation + 1) * most);
        all[self.generation * most..][..count].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::{Search, SearchOptions};
    use crate::events::Reporter;
    use crate::formulas::Draft;
    use crate::head::StudentHead;
    use crate::stages::polish::objective::Objective;
    use crate::stages::polish::returns::Play;
    use crate::stages::polish::states::States;
    use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
    use kanrl_core::rollout::{RolloutOptions, Rollouts};
    use kanrl_experts::FunctionPolicy;

    /// A pole that is kept upright otherwise than its expert does: disagreement before and after a search, and the constants.
    fn searched(lambda: f64) -> (f64, f64, Vec<f64>) {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        let cart_pole = registry.get("CartPole-v1").unwrap();
        let environment = [Rollouts::new(cart_pole, &KeywordArguments::new()).unwrap()];
        let spec = environment[0].spec();
        let expert = FunctionPolicy::from_text("3*theta + theta_dot + 0.5*x_dot + 0.3*x", spec).unwrap();
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let episodes = environment[0].run(&expert, &[1, 2, 3], &options).unwrap();
        let expert_states = States::visited(&expert, &episodes, 500).unwrap();
        let reporter = Reporter::new();
        let play =
            Play { variants: &environment, tail_weight: 0.25, noise: Vec::new(), reporter: &reporter, elsewhere: None };
        let objective = Objective { play, unit: 625.0, expert: Some(&expert), expert_states: &expert_states };
        let head = StudentHead::new(spec.action_space.clone());
        let text = "3*theta + theta_dot + 0.1*x_dot + 0.02*x";
        let draft = Draft::new(head, spec.observation_space.names(), vec![text.parse().unwrap()]).unwrap();
        let options = SearchOptions {
            seed: 0,
            lambda,
            step_size: 0.1,
            episodes: (2, 4),
            generations: 20,
            validation_episodes: 5,
        };
        let mut search = Search::new(draft, expert_states.observations(), &objective, options).unwrap();
        let before = search.worth();
        search.advance(400_000, &mut |_, _| true).unwrap();
        let after = search.worth();
        assert!(after.score >= 0.99 * before.score, "{before:?}, {after:?}");
        (before.disagreement, after.disagreement, search.draft().constants().to_vec())
    }

    #[test]
    fn a_search_that_counts_disagreement_comes_nearer_to_the_expert() {
        let (before, after, constants) = searched(3.0);
        assert!(before > 0.02 && after < 0.4 * before, "{before} and {after}");
        assert_eq!(searched(3.0).2, constants);
        // Where return is all that counts there is nothing to gain: the pole never falls.
        let (_, _, constants) = searched(0.0);
        assert_eq!(constants, [3.0, 0.1, 0.02]);
    }
}
