use serde::{Deserialize, Serialize};

/// `[students]`: the models that are fitted to the expert, in parallel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StudentsSection {
    /// Hidden widths of the networks, one list for each network. If only `approximator.hidden` is set, it is the only one. Kinds
    /// other than `kan` have their own default.
    pub widths: Vec<Vec<usize>>,
    /// Hidden widths of wider networks, which learn by DAgger one after another until a network plays nearly as well as the
    /// expert and nearly always acts like it; only the best of them is kept. Empty by default if `widths` or `approximator.hidden` is set.
    pub wider: Vec<Vec<usize>>,
    /// Sparsity strengths λ to fit each of them with. If only `approximator.lambda` is set, it is the only one.
    pub lambdas: Vec<f64>,
    /// Subsets of the library, as lists of function names: each network is fitted once for every subset, and its edges become
    /// functions of that subset only. Empty for the whole library.
    pub functions: Vec<Vec<String>>,
    /// Whether to also fit a linear and a sparse quadratic formula.
    pub rivals: bool,
    /// Maximum number of terms for each output of the quadratic formula.
    pub quadratic_terms: usize,
    /// Also fit piecewise linear formulas with these numbers of pieces, each behind a condition (`if left_leg > 0.5`).
    pub laws: Vec<usize>,
    /// Your own formulas to fit as well, with unknown constants `k1`, `k2`, …; separate the expressions of several outputs with
    /// `;`.
    pub candidates: Vec<String>,
}

impl Default for StudentsSection {
    fn default() -> Self {
        Self {
            widths: vec![vec![], vec![2]],
            wider: vec![vec![4], vec![8]],
            lambdas: vec![0.0],
            functions: Vec::new(),
            rivals: true,
            quadratic_terms: 8,
            laws: Vec::new(),
            candidates: Vec::new(),
        }
    }
}
