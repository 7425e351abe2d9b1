//! Evolution strategy with covariance matrix adaptation, for objectives without a gradient.
//!
//! Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772: the algorithm of its Appendix A with the default
//! parameters of its Table 1, negative weights included. Names in comments are the paper's.

use crate::random::Generator;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// A search that is asked for candidates and told what they are worth.
///
/// ```
/// use kanrl_core::optimize::CmaEs;
///
/// let mut search = CmaEs::new(&[3.0, -2.0], 0.5, CmaEs::default_candidates(2), 0);
/// while search.step_size() > 1e-8 {
///     let values: Vec<f64> = search.ask().iter().map(|x| x[0].powi(2) + 100.0 * x[1].powi(2)).collect();
///     search.tell(&values);
/// }
/// assert!(search.mean().iter().all(|value| value.abs() < 1e-6));
/// ```
#[derive(Clone, Debug)]
pub struct CmaEs {
    parameters: Parameters,
    generator: Generator,
    generation: i32,
    mean: DVector<f64>,
    step_size: f64,
    first_step_size: f64,
    covariance: DMatrix<f64>,
    /// Its eigenvectors (B), and the roots of its eigenvalues (D), of some generations ago.
    axes: DMatrix<f64>,
    lengths: DVector<f64>,
    decomposed: i32,
    covariance_path: DVector<f64>,
    step_path: DVector<f64>,
    /// Of the last generation: each candidate's step from the mean in units of the step size (y), and before the axes (z).
    steps: Vec<(DVector<f64>, DVector<f64>)>,
    /// Best values of the last generations, the newest last.
    best_values: Vec<f64>,
    is_exhausted: bool,
}

/// Constants of a search (Table 1).
#[derive(Clone, Debug)]
struct Parameters {
    weights: Vec<f64>,
    /// Candidates with positive weights (μ), and how many equal ones they are worth (μ_eff).
    parents: usize,
    effective: f64,
    step_rate: f64,
    damping: f64,
    path_rate: f64,
    rank_one_rate: f64,
    rank_mu_rate: f64,
    /// Expected length of a standard normal vector.
    expected_length: f64,
}

impl Parameters {
    fn new(dimension: usize, candidates: usize) -> Self {
        let n = dimension as f64;
        let parents = candidates / 2;
        let mut weights: Vec<f64> =
            (1..=candidates).map(|rank| ((candidates as f64 + 1.0) / 2.0).ln() - (rank as f64).ln()).collect();
        let effective_of = |weights: &[f64]| {
            weights.iter().sum::<f64>().powi(2) / weights.iter().map(|weight| weight * weight).sum::<f64>()
        };
        let effective = effective_of(&weights[..parents]);
        let path_rate = (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n);
        let rank_one_rate = 2.0 / ((n + 1.3).powi(2) + effective);
        let rank_mu_rate = (2.0 * (0.25 + effective + 1.0 / effective - 2.0) / ((n + 2.0).powi(2) + effective))
            .min(1.0 - rank_one_rate);
        let step_rate = (effective + 2.0) / (n + effective + 5.0);
        let damping = 1.0 + step_rate + 2.0 * (((effective - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0);
        // Positive weights sum to 1, negative ones to as much as keeps the covariance positive definite (eq. 50 to 53).
        let positive: f64 = weights.iter().filter(|weight| **weight > 0.0).sum();
        let negative: f64 = -weights.iter().filter(|weight| **weight < 0.0).sum::<f64>();
        let bound = (1.0 + rank_one_rate / rank_mu_rate)
            .min(1.0 + 2.0 * effective_of(&weights[parents..]) / (effective + 2.0))
            .min((1.0 - rank_one_rate - rank_mu_rate) / (n * rank_mu_rate));
        for weight in &mut weights {
            *weight *= if *weight > 0.0 { 1.0 / positive } else { bound / negative };
        }
        let expected_length = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        Self {
            weights,
            parents,
            effective,
            step_rate,
            damping,
            path_rate,
            rank_one_rate,
            rank_mu_rate,
            expected_length,
        }
    }
}

impl CmaEs {
    /// A search from `start`, whose first candidates lie about `step_size` away in each coordinate. `seed` is its only
    /// source of chance.
    ///
    /// # Panics
    /// Without a coordinate, with fewer than four candidates a generation, or where the step is not above 0.
    pub fn new(start: &[f64], step_size: f64, candidates: usize, seed: u64) -> Self {
        let dimension = start.len();
        assert!(dimension > 0, "a search needs a coordinate");
        assert!(candidates >= 4, "a generation needs four candidates, not {candidates}");
        assert!(step_size > 0.0 && step_size.is_finite(), "a search needs a step, not {step_size}");
        Self {
            parameters: Parameters::new(dimension, candidates),
            generator: Generator::new(seed),
            generation: 0,
            mean: DVector::from_column_slice(start),
            step_size,
            first_step_size: step_size,
            covariance: DMatrix::identity(dimension, dimension),
            axes: DMatrix::identity(dimension, dimension),
            lengths: DVector::repeat(dimension, 1.0),
            decomposed: 0,
            covariance_path: DVector::zeros(dimension),
            step_path: DVector::zeros(dimension),
            steps: Vec::new(),
            best_values: Vec::new(),
            is_exhausted: false,
        }
    }

    /// Candidates a generation where nothing speaks for another number: 4 + ⌊3 ln n⌋. Noisy objectives want more.
    pub fn default_candidates(dimension: usize) -> usize {
        4 + (3.0 * (dimension.max(1) as f64).ln()) as usize
    }

    /// Where the search stands: its best guess.
    pub fn mean(&self) -> &[f64] {
        self.mean.as_slice()
    }

    /// How far candidates lie from there, along an axis of length 1.
    pub fn step_size(&self) -> f64 {
        self.step_size
    }

    /// Candidates of a generation.
    pub fn candidates(&self) -> usize {
        self.parameters.weights.len()
    }

    /// The next generation's candidates. Asked again before it is told, it gives others.
    pub fn ask(&mut self) -> Vec<Vec<f64>> {
        let dimension = self.mean.len();
        let draw = |_| {
            let z = DVector::from_fn(dimension, |_, _| self.generator.standard_normal());
            (&self.axes * z.component_mul(&self.lengths), z)
        };
        self.steps = (0..self.parameters.weights.len()).map(draw).collect();
        self.steps.iter().map(|(y, _)| (&self.mean + y * self.step_size).as_slice().to_vec()).collect()
    }

    /// Moves on, by the candidates' values in the order in which they were asked for: the smallest is the best, and a NaN
    /// is worse than any number.
    ///
    /// # Panics
    /// Unless there is one value for each candidate that was asked for.
    pub fn tell(&mut self, values: &[f64]) {
        assert_eq!(values.len(), self.steps.len(), "a value for each candidate");
        let parameters = &self.parameters;
        let Parameters { weights, effective, step_rate, path_rate, rank_one_rate, rank_mu_rate, .. } = parameters;
        let mut order: Vec<usize> = (0..values.len()).collect();
        let value = |index: &usize| if values[*index].is_nan() { f64::INFINITY } else { values[*index] };
        // A stable sort: of equal ones the first.
        order.sort_by(|first, second| value(first).total_cmp(&value(second)));
        let steps: Vec<(DVector<f64>, DVector<f64>)> = std::mem::take(&mut self.steps);
        let ranked = || order.iter().map(|index| &steps[*index]).zip(weights);

        let dimension = self.mean.len();
        let (mut move_y, mut move_z) = (DVector::zeros(dimension), DVector::zeros(dimension));
        for ((y, z), weight) in ranked().take(parameters.parents) {
            move_y.axpy(*weight, y, 1.0);
            move_z.axpy(*weight, z, 1.0);
        }
        self.mean.axpy(self.step_size, &move_y, 1.0);
        self.generation += 1;

        // C^(-1/2) y = B z, since y = B D z.
        self.step_path *= 1.0 - step_rate;
        self.step_path.axpy((step_rate * (2.0 - step_rate) * effective).sqrt(), &(&self.axes * move_z), 1.0);
        let length = self.step_path.norm() / parameters.expected_length;
        let settled = (1.0 - (1.0 - step_rate).powi(2 * self.generation)).sqrt();
        let is_short = length / settled < 1.4 + 2.0 / (dimension as f64 + 1.0);
        self.step_size *= ((step_rate / parameters.damping) * (length - 1.0)).exp();
        self.covariance_path *= 1.0 - path_rate;
        if is_short {
            self.covariance_path.axpy((path_rate * (2.0 - path_rate) * effective).sqrt(), &move_y, 1.0);
        }

        let lost = if is_short { 0.0 } else { rank_one_rate * path_rate * (2.0 - path_rate) };
        let sum: f64 = weights.iter().sum();
        self.covariance *= 1.0 + lost - rank_one_rate - rank_mu_rate * sum;
        self.covariance.ger(*rank_one_rate, &self.covariance_path, &self.covariance_path, 1.0);
        for ((y, z), weight) in ranked() {
            let share = if *weight < 0.0 { dimension as f64 / z.norm_squared().max(f64::MIN_POSITIVE) } else { 1.0 };
            self.covariance.ger(rank_mu_rate * weight * share, y, y, 1.0);
        }
        self.decompose();
        self.remember(value(&order[0]), value(order.last().expect("four candidates or more")));
    }

    /// Whether nothing more is to be gained from here: values no longer differ, steps have become too small or too large, or
    /// the covariance can no longer be used (Appendix B.3).
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Axes and lengths of the covariance, as often as it is worth their n³ operations.
    fn decompose(&mut self) {
        let Parameters { rank_one_rate, rank_mu_rate, .. } = self.parameters;
        let dimension = self.mean.len();
        let wait = 1.0 / ((rank_one_rate + rank_mu_rate) * dimension as f64 * 10.0);
        if f64::from(self.generation - self.decomposed) < wait {
            return;
        }
        self.decomposed = self.generation;
        self.covariance.fill_upper_triangle_with_lower_triangle();
        let is_finite = self.covariance.iter().all(|value| value.is_finite());
        let steps = 1000 * dimension;
        let eigen = is_finite.then(|| SymmetricEigen::try_new(self.covariance.clone(), f64::EPSILON, steps)).flatten();
        match eigen {
            Some(eigen) if eigen.eigenvalues.min() > 1e-14 * eigen.eigenvalues.max() => {
                self.lengths = eigen.eigenvalues.map(f64::sqrt);
                self.axes = eigen.eigenvectors;
            }
            _ => self.is_exhausted = true,
        }
    }

    fn remember(&mut self, best: f64, worst: f64) {
        const LEAST_DIFFERENCE: f64 = 1e-12;
        let dimension = self.mean.len();
        let history = 10 + (30 * dimension).div_ceil(self.parameters.weights.len());
        if self.best_values.len() == history {
            self.best_values.remove(0);
        }
        self.best_values.push(best);
        let highest = self.best_values.iter().fold(worst, |highest, value| highest.max(*value));
        let lowest = self.best_values.iter().fold(best, |lowest, value| lowest.min(*value));
        let is_flat = self.best_values.len() == history && highest - lowest < LEAST_DIFFERENCE;
        let relative = self.step_size / self.first_step_size;
        let reach = |index: usize| self.covariance[(index, index)].sqrt().max(self.covariance_path[index].abs());
        let is_small = (0..dimension).all(|index| relative * reach(index) < 1e-12);
        let farthest = relative * self.lengths.max();
        self.is_exhausted |= is_flat || is_small || farthest.is_nan() || farthest > 1e4;
    }
}
