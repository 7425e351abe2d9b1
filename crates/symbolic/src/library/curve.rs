//! A curve made ready to be fitted.

/// A curve's samples, sorted by x, with x mapped to t in `[0, 1]` over the range that candidates must be safe on.
#[derive(Debug)]
pub(super) struct PreparedCurve {
    /// `[rows]`, sorted.
    pub x: Vec<f64>,
    /// Start of that range.
    pub low: f64,
    /// Its length.
    pub width: f64,
    /// Every sample.
    pub full: Samples,
    /// Few, for the search's first steps: neighboring samples averaged.
    pub coarse: Samples,
}

/// Weighted samples with their mean taken off y.
#[derive(Debug)]
pub(super) struct Samples {
    /// `[rows]`, not decreasing.
    pub t: Vec<f64>,
    /// `[rows]`, minus [`Self::mean`].
    pub y: Vec<f64>,
    /// `[rows]`.
    pub weight: Vec<f64>,
    /// Weighted mean of y.
    pub mean: f64,
    /// Weighted sum of squares of y.
    pub total: f64,
}

/// Rows of [`PreparedCurve::coarse`], where there are more than [`FEW_ROWS`].
const COARSE_ROWS: usize = 64;

/// So few rows are not averaged.
const FEW_ROWS: usize = 128;

impl PreparedCurve {
    /// `None` without at least two different x, or where anything is not finite. `margin` is a fraction of x's range.
    pub(super) fn new(x: &[f64], y: &[f64], margin: f64) -> Option<Self> {
        if x.len() != y.len() || !x.iter().chain(y).all(|value| value.is_finite()) {
            return None;
        }
        let mut pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        pairs.sort_unstable_by(|left, right| left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1)));
        let (least, most) = (pairs.first()?.0, pairs.last()?.0);
        let range = most - least;
        let (low, width) = (least - margin * range, range * (1.0 + 2.0 * margin));
        if !(range > 0.0 && width.is_finite()) {
            return None;
        }
        let sorted = pairs.iter().map(|(x, _)| *x).collect();
        for (x, _) in &mut pairs {
            *x = (*x - low) / width;
        }
        let full = Samples::new(pairs.iter().map(|(t, y)| (*t, *y, 1.0)));
        let rows = if pairs.len() > FEW_ROWS { COARSE_ROWS } else { pairs.len() };
        let chunks = (0..rows).map(|chunk| {
            let samples = &pairs[chunk * pairs.len() / rows..(chunk + 1) * pairs.len() / rows];
            let count = samples.len() as f64;
            let (t, y) = samples.iter().fold((0.0, 0.0), |sum, sample| (sum.0 + sample.0, sum.1 + sample.1));
            (t / count, y / count, count)
        });
        let coarse = Samples::new(chunks);
        Some(Self { x: sorted, low, width, full, coarse })
    }
}

impl Samples {
    fn new(rows: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let mut samples = Self { t: Vec::new(), y: Vec::new(), weight: Vec::new(), mean: 0.0, total: 0.0 };
        for (t, y, weight) in rows {
            samples.t.push(t);
            samples.y.push(y);
            samples.weight.push(weight);
        }
        let all: f64 = samples.weight.iter().sum();
        samples.mean = samples.y.iter().zip(&samples.weight).map(|(y, weight)| y * weight).sum::<f64>() / all;
        for y in &mut samples.y {
            *y -= samples.mean;
        }
        samples.total = samples.y.iter().zip(&samples.weight).map(|(y, weight)| y * y * weight).sum();
        samples
    }

    pub(super) fn rows(&self) -> usize {
        self.t.len()
    }
}
