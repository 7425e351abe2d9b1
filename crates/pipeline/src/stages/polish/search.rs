//! Constants tuned on return by CMA-ES (Hansen 2016, arXiv 1604.00772).

use super::returns::{Play, WORST};
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::run::seeds::{self, Purpose};
use cmaes::{CMAES, CMAESOptions, DVector, Mode, ObjectiveFunction, ParallelObjectiveFunction};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// A search that can be continued: all candidates of a generation play the same seeds, each generation plays new ones,
/// and the center is kept that did best on the validation seeds.
pub struct Search {
    draft: Draft,
    options: SearchOptions,
    objective: Arc<Objective>,
    cmaes: Option<CMAES<Handle>>,
    validation: Vec<u64>,
    best: Vec<f64>,
    /// Its score on the validation seeds, and on the first of them only.
    best_score: f64,
    best_first_score: f64,
    restarts: u64,
}

struct Objective {
    draft: Draft,
    play: Arc<Play>,
    free: Vec<usize>,
    scales: Vec<f64>,
    start: Mutex<Vec<f64>>,
    /// Seeds of the generation.
    seeds: Mutex<Vec<u64>>,
    steps: AtomicU64,
    played: AtomicU64,
    generation: AtomicUsize,
    failure: Mutex<Option<StageError>>,
}

/// What the search minimizes.
struct Handle(Arc<Objective>);

impl ObjectiveFunction for Handle {
    fn evaluate(&mut self, x: &DVector<f64>) -> f64 {
        self.0.value(x.as_slice())
    }
}

impl ParallelObjectiveFunction for Handle {
    fn evaluate_parallel(&self, x: &DVector<f64>) -> f64 {
        self.0.value(x.as_slice())
    }
}

impl Objective {
    fn constants(&self, x: &[f64]) -> Vec<f64> {
        let mut constants = self.start.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for ((place, scale), x) in self.free.iter().zip(&self.scales).zip(x) {
            constants[*place] += scale * x;
        }
        constants
    }

    fn value(&self, x: &[f64]) -> f64 {
        let seeds = self.seeds.lock().unwrap_or_else(PoisonError::into_inner).clone();
        -self.score(&self.constants(x), &seeds)
    }

    fn score(&self, constants: &[f64], seeds: &[u64]) -> f64 {
        match self.play.play(&self.draft, constants, seeds) {
            Ok(played) => {
                self.steps.fetch_add(played.steps, Ordering::Relaxed);
                self.played.fetch_add(seeds.len() as u64, Ordering::Relaxed);
                self.play.score(&played.returns).max(WORST)
            }
            Err(error) => {
                self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                WORST
            }
        }
    }
}

impl Search {
    /// A search from the draft's constants. `rows` `[rows, inputs]` are observations that scales are measured on.
    pub fn new(draft: Draft, rows: &[f64], play: Arc<Play>, options: SearchOptions) -> Self {
        let start = draft.constants().to_vec();
        let objective = Arc::new(Objective {
            free: draft.free(),
            scales: draft.scales(rows),
            start: Mutex::new(start.clone()),
            seeds: Mutex::default(),
            steps: AtomicU64::new(0),
            played: AtomicU64::new(0),
            generation: AtomicUsize::new(0),
            failure: Mutex::default(),
            play,
            draft: draft.clone(),
        });
        let validation = seeds::episodes(options.seed, Purpose::Validate, CONFIRMATION * options.validation_episodes);
        let best_score = objective.score(&start, &validation);
        let best_first_score = objective.score(&start, &validation[..options.validation_episodes]);
        Self {
            draft,
            options,
            objective,
            cmaes: None,
            validation,
            best: start,
            best_score,
            best_first_score,
            restarts: 0,
        }
    }

    /// The draft with the best constants so far.
    pub fn draft(&self) -> Draft {
        self.draft.with_constants(&self.best)
    }

    /// Its score on the validation seeds.
    pub fn score(&self) -> f64 {
        self.best_score
    }

    /// What it is played in.
    pub fn play(&self) -> Arc<Play> {
        Arc::clone(&self.objective.play)
    }

    /// Mean length of an episode so far.
    pub fn episode_length(&self) -> u64 {
        (self.steps() / self.objective.played.load(Ordering::Relaxed).max(1)).max(1)
    }

    /// Environment steps so far.
    pub fn steps(&self) -> u64 {
        self.objective.steps.load(Ordering::Relaxed)
    }

    /// Searches on for a number of environment steps. `more` hears the steps taken and the best score, and can end it.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails.
    pub fn advance(&mut self, steps: u64, more: &mut dyn FnMut(u64, f64) -> bool) -> Result<(), StageError> {
        let first = self.steps();
        if self.objective.free.is_empty() {
            return Ok(());
        }
        while self.steps() - first < steps {
            let mut cmaes = match self.cmaes.take() {
                Some(cmaes) => cmaes,
                None => self.restart(),
            };
            let generation = self.objective.generation.fetch_add(1, Ordering::Relaxed);
            *self.objective.seeds.lock().unwrap_or_else(PoisonError::into_inner) =
                self.generation_seeds(generation, steps, cmaes.parameters().lambda());
            let ended = cmaes.next_parallel().is_some();
            if let Some(error) = self.objective.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(error);
            }
            if ended || generation % CHECK_EVERY == CHECK_EVERY - 1 {
                let center = self.objective.constants(cmaes.mean().as_slice());
                let first_score = self.objective.score(&center, &self.validation[..self.options.validation_episodes]);
                if first_score > self.best_first_score {
                    let score = self.objective.score(&center, &self.validation);
                    if score > self.best_score {
                        (self.best, self.best_score, self.best_first_score) = (center, score, first_score);
                    }
                }
            }
            if !ended {
                self.cmaes = Some(cmaes);
            } else if self.restarts > 3 {
                // Nothing changes the return any more.
                return Ok(());
            }
            if !more(self.steps() - first, self.best_score) {
                break;
            }
        }
        Ok(())
    }

    /// Begins at the best constants, with a longer first step each time.
    fn restart(&mut self) -> CMAES<Handle> {
        self.objective.start.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.best);
        let dimensions = self.objective.free.len();
        let step_size = self.options.step_size * 2.0_f64.powi(self.restarts as i32);
        let options = CMAESOptions::new(vec![0.0; dimensions], step_size);
        let candidates = options.population_size.max(LEAST_CANDIDATES);
        self.restarts += 1;
        options
            .population_size(candidates)
            .mode(Mode::Minimize)
            .seed(self.options.seed.wrapping_add(self.restarts))
            .build(Handle(self.objective.clone()))
            .expect("there are constants, candidates and a step")
    }

    /// New seeds for a generation: as many as the budget allows for the wanted number of generations.
    fn generation_seeds(&self, generation: usize, budget: u64, candidates: usize) -> Vec<u64> {
        let (fewest, most) = self.options.episodes;
        let length = self.episode_length();
        let affordable = budget / (self.options.generations * candidates as u64 * length).max(1);
        let count = (affordable as usize).clamp(fewest, most);
        let all = seeds::episodes(self.options.seed, Purpose::Polish, (generation + 1) * most);
        all[generation * most..][..count].to_vec()
    }
}

/// Leaves out terms as long as the score on the seeds stays at `limit` or above: those that change the outputs least
/// first. Spends about `steps` environment steps.
///
/// # Errors
/// [`StageError`] where the environment fails.
pub fn shorten(
    mut draft: Draft,
    rows: &[f64],
    play: &Play,
    seeds: &[u64],
    limit: f64,
    steps: u64,
    more: &mut dyn FnMut(u64) -> bool,
) -> Result<Draft, StageError> {
    let mut spent = 0;
    // What was missed once is not tried again.
    let mut missed = -1.0;
    loop {
        let mut found = None;
        for (effect, place) in draft.by_effect(rows, missed) {
            if spent >= steps || !more(spent) {
                break;
            }
            let Some(shorter) = draft.without_constant(place) else { continue };
            let played = play.play(&shorter, shorter.constants(), seeds)?;
            spent += played.steps;
            if play.score(&played.returns) >= limit {
                found = Some(shorter);
                break;
            }
            missed = effect;
        }
        match found {
            // Places have moved.
            Some(shorter) => draft = shorter,
            None => return Ok(draft),
        }
    }
}
