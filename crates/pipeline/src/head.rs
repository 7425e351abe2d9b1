//! How a student's outputs stand for actions, and what it is taught.

use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::approximator::Loss;
use kanrl_core::dataset::Dataset;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{Expression, Formula, Output, SymbolicError};

/// Sharpness of the loss of a choice, in units of the mean margin between the best and the second-best action. Of labels
/// nothing but the action is known. Scores say more, and where the best two are close, that a mistake costs little.
const SHARPNESS_OF_LABELS: f64 = 20.0;
const SHARPNESS_OF_SCORES: f64 = 4.0;

/// The meaning of a student's outputs.
///
/// Of n discrete actions only differences of scores matter, so a student has n − 1 outputs: how much better each action
/// is than action 0. The action is the first largest of `(0, outputs…)`. For a vector action the outputs are its
/// coordinates before clipping.
#[derive(Clone, Debug, PartialEq)]
pub struct StudentHead {
    space: ActionSpace,
    rule: ActionRule,
    /// What a formula calls the actions; empty for their numbers.
    labels: Vec<String>,
}

impl StudentHead {
    /// The head for an action space.
    pub fn new(space: ActionSpace) -> Self {
        Self { rule: ActionRule::of_differences(&space), space, labels: Vec::new() }
    }

    /// The head for what a log calls its actions: its formulas print them by these names, unless they have none but numbers.
    pub fn labeled(space: ActionSpace) -> Self {
        let labels = match &space {
            ActionSpace::Discrete(space) => space.actions.clone(),
            ActionSpace::Box(_) => Vec::new(),
        };
        let are_numbers = labels.iter().enumerate().all(|(index, label)| *label == format!("action {index}"));
        Self { labels: if are_numbers { Vec::new() } else { labels }, ..Self::new(space) }
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

    /// What a fit to these rows minimizes: for discrete actions the loss of a choice, whose sharpness suits what the rows hold;
    /// for vectors the squared error of what is left of them after clipping.
    pub fn loss(&self, data: &Dataset) -> Loss {
        match &self.space {
            ActionSpace::Discrete(_) => {
                let sharpness = if data.score_kind.is_some() { SHARPNESS_OF_SCORES } else { SHARPNESS_OF_LABELS };
                let margin = self.mean_margin(data);
                Loss::Choice { sharpness: if margin > 0.0 { sharpness / margin } else { sharpness } }
            }
            ActionSpace::Box(space) => Loss::ClippedMeanSquared {
                low: space.coordinates.iter().map(|coordinate| coordinate.low).collect(),
                high: space.coordinates.iter().map(|coordinate| coordinate.high).collect(),
            },
        }
    }

    /// Mean difference of the best to the second-best action's score; 0 without rows.
    fn mean_margin(&self, data: &Dataset) -> f64 {
        let margin = |row: &[f64]| {
            // Action 0's score is 0.
            let (mut best, mut second) = (0.0, f64::NEG_INFINITY);
            for value in row {
                if *value > best {
                    (best, second) = (*value, best);
                } else {
                    second = second.max(*value);
                }
            }
            best - second
        };
        data.targets.chunks_exact(self.outputs()).map(margin).sum::<f64>() / data.rows().max(1) as f64
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
        let formula = Formula::new(inputs, outputs, rule)?;
        // What is not a name for a formula's text (it may be of any length) stays a number.
        let labeled = (!self.labels.is_empty()).then(|| formula.clone().with_labels(self.labels.clone()));
        Ok(labeled.and_then(Result::ok).unwrap_or(formula))
    }
}

#[cfg(test)]
mod tests {
    use super::StudentHead;
    use kanrl_core::action::ActionBatch;
    use kanrl_core::approximator::Loss;
    use kanrl_core::dataset::Dataset;
    use kanrl_core::policy::ScoreKind;
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
    fn the_loss_of_a_choice_is_as_sharp_as_the_rows_allow() {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "stay", "right"])));
        let sharpness = |score_kind, targets: &[f64]| {
            let mut data = Dataset::new(vec!["x".into()], head.output_names(), score_kind);
            let rows = targets.len() / 2;
            data.push_episode(&vec![0.0; rows], targets, &vec![1.0; rows]);
            match head.loss(&data) {
                Loss::Choice { sharpness } => sharpness,
                other => panic!("{other:?}"),
            }
        };
        // Labels of actions 0, 1 and 2.
        assert_eq!(sharpness(None, &[-1.0, -1.0, 1.0, 0.0, 0.0, 1.0]), 20.0);
        // Margins of 2 to action 0, 3 to action 1, and 1.
        assert_eq!(sharpness(Some(ScoreKind::Logits), &[-2.0, -5.0, 7.0, 4.0, -1.0, -4.0]), 2.0);
        assert_eq!(sharpness(None, &[0.0, 0.0]), 20.0);
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
        let labels = head.targets_from_actions(&actions);
        let mut again = ActionBatch::Discrete(Vec::new());
        head.act(&labels, &mut again);
        assert_eq!(again, actions);
    }
}
