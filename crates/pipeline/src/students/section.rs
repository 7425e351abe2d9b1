use serde::{Deserialize, Serialize};

/// `[students]`: which students learn from the expert, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StudentsSection {
    /// Hidden widths of the networks, one list for each; where `approximator.hidden` is set and this is not, those only. For
    /// another kind than `kan` the default is its own.
    pub widths: Vec<Vec<usize>>,
    /// Hidden widths of wider networks, which learn by DAgger one after another until a network plays as well as the expert
    /// and nearly always does what the expert does. None where `widths` or `approximator.hidden` is set and this is not.
    pub wider: Vec<Vec<usize>>,
    /// Sparsity strengths λ that each of them is fitted with; where `approximator.lambda` is set and this is not, that only.
    pub lambdas: Vec<f64>,
    /// Parts of the library, by its functions' names: each of the networks learns once for every part, and its edges become
    /// functions of that part only. The whole library where there is none.
    pub functions: Vec<Vec<String>>,
    /// Whether to also fit a linear and a sparse quadratic formula.
    pub rivals: bool,
    /// Most terms of each output of the quadratic one.
    pub quadratic_terms: usize,
    /// Numbers of linear laws of formulas that have a few, each behind a condition (`if left_leg > 0.5`): one formula for each.
    pub laws: Vec<usize>,
    /// Your own formulas to fit as well: expressions separated by `;`, as many as actions need, with unknown
    /// constants `k1`, `k2`, … that are found.
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
