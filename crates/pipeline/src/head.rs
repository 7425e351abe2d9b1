//! How a student's outputs stand for actions, and what it is taught.

use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::approximator::Loss;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{Expression, Formula, Output, SymbolicError};

/// The meaning of a student's outputs.
///
/// Of n discrete actions only differences of scores matter, so a student has n − 1 outputs: how much better each action
/// is than action 0. The action is the first largest of `(0, outputs…)`. For a vector action the outputs are its
/// coordinates before clipping.
#[derive(Clone, Debug, PartialEq)]
pub struct StudentHead {
    space: ActionSpace,
    rule: ActionRule,
}

impl StudentHead {
    /// The head for an action space.
    pub fn new(space: ActionSpace) -> Self {
        Self { rule: ActionRule::of_differences(&space), space }
    }

    /// The action space.
    pub fn action_space(&self) -> &ActionSpace {
        &self.space
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        match &self.space {
            ActionSpace::Discrete(space) => space.len() - 1,
            ActionSpace::Box(space) => space.len(),
        }
    }

    /// The outputs' names: `a` for two discrete actions, `a_1`, `a_2`, … for more, the coordinates' for a vector.
    pub fn output_names(&self) -> Vec<String> {
        match &self.space {
            ActionSpace::Discrete(space) if space.len() == 2 => vec!["a".to_owned()],
            ActionSpace::Discrete(space) => (1..space.len()).map(|index| format!("a_{index}")).collect(),
            ActionSpace::Box(space) => space.names(),
        }
    }

    /// Writes the actions for a batch of outputs `[rows, outputs]`.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn act(&self, outputs: &[f64], actions: &mut ActionBatch) {
        self.rule.act(outputs, outputs.len() / self.outputs(), actions);
    }

    /// What a student is taught where the expert's scores are known: `scores` `[rows, actions]` to targets
    /// `[rows, outputs]`.
    pub fn targets_from_scores(&self, scores: &[f64]) -> Vec<f64> {
        match &self.space {
            ActionSpace::Discrete(space) => {
                let rows = scores.chunks_exact(space.len());
                rows.flat_map(|row| row[1..].iter().map(|score| score - row[0])).collect()
            }
            ActionSpace::Box(_) => scores.to_vec(),
        }
    }

    /// What a student is taught where only the expert's actions are known: ±1 for "better" or "not better than action
    /// 0", or the vector itself.
    pub fn targets_from_actions(&self, actions: &ActionBatch) -> Vec<f64> {
        match actions {
            ActionBatch::Discrete(actions) => {
                let row = |action: &usize| {
                    let action = *action;
                    (1..=self.outputs()).map(move |index| match action {
                        0 => -1.0,
                        _ if action == index => 1.0,
                        _ => 0.0,
                    })
                };
                actions.iter().flat_map(row).collect()
            }
            ActionBatch::Continuous { values, .. } => values.iter().map(|value| f64::from(*value)).collect(),
        }
    }

    /// How much each row matters: for discrete actions the margin between the expert's best and second-best score, since a
    /// mistake costs little where the expert hardly cares; 1 otherwise. Only their proportions count.
    pub fn weights(&self, scores: &[f64]) -> Vec<f64> {
        let ActionSpace::Discrete(space) = &self.space else {
            return vec![1.0; scores.len() / self.outputs()];
        };
        let margin = |row: &[f64]| {
            let mut sorted = row.to_vec();
            sorted.sort_by(|first, second| second.total_cmp(first));
            sorted[0] - sorted[1]
        };
        scores.chunks_exact(space.len()).map(margin).collect()
    }

    /// What a fit minimizes.
    pub fn loss(&self) -> Loss {
        match &self.space {
            ActionSpace::Discrete(_) => Loss::MeanSquared,
            ActionSpace::Box(space) => Loss::ClippedMeanSquared {
                low: space.coordinates.iter().map(|coordinate| coordinate.low).collect(),
                high: space.coordinates.iter().map(|coordinate| coordinate.high).collect(),
            },
        }
    }

    /// The formula that has these expressions as outputs and leads to the same actions as [`Self::act`].
    ///
    /// # Errors
    /// [`SymbolicError`] where the expressions use other variables than `inputs`.
    pub fn formula(&self, inputs: Vec<String>, expressions: Vec<Expression>) -> Result<Formula, SymbolicError> {
        // An output gives way to an observation of the same name.
        let free = |mut name: String| {
            while inputs.contains(&name) {
                name.push('_');
            }
            name
        };
        let named = self.output_names().into_iter().zip(expressions);
        let mut outputs: Vec<Output> =
            named.map(|(name, expression)| Output { name: free(name), expression }).collect();
        let mut rule = self.rule.clone();
        if rule == ActionRule::Threshold && outputs.len() > 1 {
            // Easier to read with action 0's output beside the others.
            outputs.insert(0, Output { name: free("a_0".to_owned()), expression: Expression::constant(0.0) });
            rule = ActionRule::Argmax;
        }
        Formula::new(inputs, outputs, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::StudentHead;
    use kanrl_core::action::ActionBatch;
    use kanrl_core::space::{ActionSpace, DiscreteSpace};
    use kanrl_symbolic::Expression;

    #[test]
    fn an_output_gives_way_to_an_observation_of_its_name() {
        let names = |actions: &[&str], inputs: &[&str]| {
            let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(actions.to_vec())));
            let inputs = inputs.iter().map(|name| (*name).to_owned()).collect();
            let formula = head.formula(inputs, vec![Expression::constant(0.0); head.outputs()]).unwrap();
            formula.outputs().iter().map(|output| output.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&["left", "right"], &["a", "a_"]), ["a__"]);
        assert_eq!(names(&["left", "stay", "right"], &["a_0", "x"]), ["a_0_", "a_1", "a_2"]);
    }

    #[test]
    fn differences_to_action_0_keep_the_expert_s_choice() {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "stay", "right"])));
        let scores = [1.0, 3.0, 2.0, 5.0, 1.0, 4.5, 0.0, 0.0, 0.0];
        let targets = head.targets_from_scores(&scores);
        assert_eq!(targets, [2.0, 1.0, -4.0, -0.5, 0.0, 0.0]);
        let mut actions = ActionBatch::Discrete(Vec::new());
        head.act(&targets, &mut actions);
        assert_eq!(actions, ActionBatch::Discrete(vec![1, 0, 0]));
        let weights = head.weights(&scores);
        assert_eq!(weights, [1.0, 0.5, 0.0]);
        let labels = head.targets_from_actions(&actions);
        let mut again = ActionBatch::Discrete(Vec::new());
        head.act(&labels, &mut again);
        assert_eq!(again, actions);
    }
}
