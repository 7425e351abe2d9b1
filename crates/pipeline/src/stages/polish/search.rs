//! Constants of a formula tuned on return by CMA-ES.

use super::returns::{Play, WORST};
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::run::seeds::{self, Purpose};
use kanrl_core::optimize::CmaEs;

/// How a search goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// The run's seed.
    pub seed: u64,
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
    play: &'a Play<'a>,
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
    best: Vec<f64>,
    /// Its score on the validation seeds, and on the first of them only.
    best_score: f64,
    best_first_score: f64,
    steps: u64,
    episodes: u64,
}

impl<'a> Search<'a> {
    /// A search from the draft's constants. `rows` `[rows, inputs]` are observations that scales are measured on.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails.
    pub fn new(draft: Draft, rows: &[f64], play: &'a Play<'a>, options: SearchOptions) -> Result<Self, StageError> {
        let validation = seeds::episodes(options.seed, Purpose::Validate, CONFIRMATION * options.validation_episodes);
        let mut search = Self {
            play,
            free: draft.free(),
            scales: draft.scales(rows),
            running: None,
            searches: 0,
            generation: 0,
            best: draft.constants().to_vec(),
            best_score: WORST,
            best_first_score: WORST,
            steps: 0,
            episodes: 0,
            options,
            draft,
            validation,
        };
        let start = search.best.clone();
        search.best_score = search.validated(&start, CONFIRMATION)?;
        search.best_first_score = search.validated(&start, 1)?;
        Ok(search)
    }

    /// The formula with the best constants so far.
    pub fn draft(&self) -> Draft {
        self.draft.with_constants(&self.best)
    }

    /// Its score on the validation seeds.
    pub fn score(&self) -> f64 {
        self.best_score
    }

    /// Mean length of an episode so far.
    pub fn episode_length(&self) -> u64 {
        (self.steps / self.episodes.max(1)).max(1)
    }

    /// Environment steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Searches on for a number of environment steps. `more` hears the steps taken and the best score, and can end it.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails.
    pub fn advance(&mut self, steps: u64, more: &mut dyn FnMut(u64, f64) -> bool) -> Result<(), StageError> {
        let first = self.steps;
        while self.steps - first < steps && !self.free.is_empty() {
            let (start, mut cma_es) = self.running.take().unwrap_or_else(|| self.begun());
            let candidates: Vec<Vec<f64>> = cma_es.ask().iter().map(|x| self.constants(&start, x)).collect();
            let seeds = self.generation_seeds(steps, candidates.len());
            let scores = self.scores(&candidates, &seeds)?;
            cma_es.tell(&scores.iter().map(|score| -score).collect::<Vec<_>>());
            self.generation += 1;
            if cma_es.is_exhausted() || self.generation.is_multiple_of(CHECK_EVERY) {
                self.look_at(self.constants(&start, cma_es.mean()))?;
            }
            if !cma_es.is_exhausted() {
                self.running = Some((start, cma_es));
            } else if self.searches == MOST_SEARCHES {
                return Ok(());
            }
            if !more(self.steps - first, self.best_score) {
                break;
            }
        }
        Ok(())
    }

    /// The constants that lie `x` scales from `start`.
    fn constants(&self, start: &[f64], x: &[f64]) -> Vec<f64> {
        let mut constants = start.to_vec();
        for ((place, scale), x) in self.free.iter().zip(&self.scales).zip(x) {
            constants[*place] += scale * x;
        }
        constants
    }

    /// Keeps these constants where the validation episodes confirm that they are better.
    fn look_at(&mut self, center: Vec<f64>) -> Result<(), StageError> {
        let first_score = self.validated(&center, 1)?;
        if first_score > self.best_first_score {
            let score = self.validated(&center, CONFIRMATION)?;
            if score > self.best_score {
                (self.best, self.best_score, self.best_first_score) = (center, score, first_score);
            }
        }
        Ok(())
    }

    /// The score on so many parts of the validation seeds.
    fn validated(&mut self, constants: &[f64], parts: usize) -> Result<f64, StageError> {
        let seeds = self.validation[..parts * self.options.validation_episodes].to_vec();
        Ok(self.scores(&[constants.to_vec()], &seeds)?[0])
    }

    fn scores(&mut self, candidates: &[Vec<f64>], seeds: &[u64]) -> Result<Vec<f64>, StageError> {
        let played = self.play.play(&self.draft, candidates, seeds)?;
        self.steps += played.iter().map(|played| played.steps).sum::<u64>();
        self.episodes += (candidates.len() * seeds.len()) as u64;
        Ok(played.iter().map(|played| self.play.score(&played.returns).max(WORST)).collect())
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
