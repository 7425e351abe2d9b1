use super::conditioning;
use super::switching::deciding_part;
use crate::head::StudentHead;
use crate::policies::Student;
use kanrl_core::graph::UnivariateGraph;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{ActionRule, Expression, Formula, SimplifyLimits, SymbolicError, Tape, graph_expressions};

/// Rows that terms are compared on.
const CONDITION_ROWS: usize = 1000;

/// A student's outputs as expressions over the environment's observations.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    head: StudentHead,
    inputs: Vec<String>,
    expressions: Vec<Expression>,
    /// Compiled with every constant in a place of its own.
    tape: Tape,
}

impl Draft {
    /// A draft of one expression for each of the head's outputs.
    ///
    /// # Errors
    /// [`SymbolicError`] where an expression uses something that is not an input.
    pub fn new(head: StudentHead, inputs: Vec<String>, expressions: Vec<Expression>) -> Result<Self, SymbolicError> {
        assert_eq!(expressions.len(), head.outputs(), "an expression for each output");
        let tape = Tape::compile_with_constants(&expressions, &inputs)?;
        Ok(Self { head, inputs, expressions, tape })
    }

    /// The expressions of a network; an edge without a name is a curve.
    ///
    /// # Errors
    /// [`SymbolicError`] where an edge is a spline of a degree above 3.
    pub fn from_graph(head: StudentHead, graph: &UnivariateGraph) -> Result<Self, SymbolicError> {
        let inputs = graph.inputs.iter().map(|input| input.name.clone()).collect();
        let expressions = graph_expressions(graph)?;
        Self::new(head, inputs, expressions)
    }

    /// What [`Self::formula`] made.
    ///
    /// # Errors
    /// [`SymbolicError`] where it is not of this head.
    pub fn from_formula(head: StudentHead, formula: &Formula) -> Result<Self, SymbolicError> {
        let mut expressions = formula.expressions();
        if *formula.action() == ActionRule::Argmax {
            // Action 0's output, which is 0.
            expressions.remove(0);
        }
        Self::new(head, formula.inputs().to_vec(), expressions)
    }

    /// The formula that leads to the same actions.
    ///
    /// # Errors
    /// [`SymbolicError`] where a constant is not finite.
    pub fn formula(&self) -> Result<Formula, SymbolicError> {
        self.head.formula(self.inputs.clone(), self.expressions.clone())
    }

    /// The draft without what its action does not need: of two actions only the sign chooses.
    #[must_use]
    pub fn deciding_part(&self) -> Self {
        match self.head.action_space() {
            ActionSpace::Discrete(_) if self.head.outputs() == 1 => {
                let expressions = self.expressions.iter().map(deciding_part).collect();
                let part = Self::new(self.head.clone(), self.inputs.clone(), expressions);
                part.expect("a part has no other variables")
            }
            _ => self.clone(),
        }
    }

    /// What its outputs mean.
    pub fn head(&self) -> &StudentHead {
        &self.head
    }

    /// Names of the observations.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The outputs.
    pub fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    /// The outputs, compiled with every constant in a place of its own.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Operations of all outputs together.
    pub fn operations(&self) -> usize {
        self.expressions.iter().map(Expression::operations).sum()
    }

    /// How many different curves it has.
    pub fn curves(&self) -> usize {
        let mut curves = Vec::new();
        for curve in self.expressions.iter().flat_map(Expression::curves) {
            if !curves.contains(&curve) {
                curves.push(curve);
            }
        }
        curves.len()
    }

    /// All constants, one expression's after the other's.
    pub fn constants(&self) -> &[f64] {
        self.tape.constants()
    }

    /// Places of the constants that may change: all but whole exponents.
    pub fn free(&self) -> Vec<usize> {
        let fixed = self.expressions.iter().flat_map(Expression::fixed_constants);
        fixed.enumerate().filter(|(_, fixed)| !fixed).map(|(place, _)| place).collect()
    }

    /// The same draft with other constants.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn with_constants(&self, constants: &[f64]) -> Self {
        let mut rest = constants;
        let mut take = |expression: &Expression| {
            let (own, others) = rest.split_at(expression.constants().count());
            rest = others;
            expression.with_constants(own.iter().copied())
        };
        let expressions = self.expressions.iter().map(&mut take).collect();
        Self::new(self.head.clone(), self.inputs.clone(), expressions).expect("other constants use the same inputs")
    }

    /// The draft with these constants set to 0 and what that makes needless left out; none if that makes nothing shorter.
    pub fn without_constants(&self, places: &[usize]) -> Option<Self> {
        let mut constants = self.constants().to_vec();
        places.iter().for_each(|place| constants[*place] = 0.0);
        let zeroed = self.with_constants(&constants);
        let expressions: Vec<Expression> = zeroed.expressions.iter().map(Expression::folded).collect();
        let shorter = Self::new(self.head.clone(), self.inputs.clone(), expressions).ok()?;
        let is_finite = shorter.constants().iter().all(|value| value.is_finite());
        (is_finite && shorter.operations() < self.operations()).then_some(shorter)
    }

    /// The draft with equal but shorter expressions, as far as the search finds them.
    #[must_use]
    pub fn simplified(&self) -> Self {
        let expressions = self.expressions.iter().map(|it| it.simplified(SimplifyLimits::default())).collect();
        let simplified = Self::new(self.head.clone(), self.inputs.clone(), expressions);
        simplified.expect("simplifying adds no variables")
    }

    /// The draft with a line or a parabola for all terms over one observation that are far larger than what they add up
    /// to (`3945216611.8*sin(6.8e-6*x) - 3945216610.8`), where that is the same on `rows` `[rows, inputs]`.
    #[must_use]
    pub fn well_conditioned(&self, rows: &[f64]) -> Self {
        let rows = super::rounding::spread(rows, self.inputs.len(), CONDITION_ROWS);
        let conditioned = |expression: &Expression| conditioning::conditioned(expression, &self.inputs, &rows);
        let expressions = self.expressions.iter().map(conditioned).collect();
        Self::new(self.head.clone(), self.inputs.clone(), expressions).expect("the same inputs")
    }

    /// The draft as a policy, with these constants.
    pub fn policy<'a>(&'a self, constants: &'a [f64]) -> Student<impl Fn(&[f64], &mut [f64]) + Send + Sync + 'a> {
        Student::new(self.inputs.len(), self.head.clone(), move |observations, outputs: &mut [f64]| {
            self.tape.evaluate_with(constants, observations, outputs);
        })
    }

    /// How far each of the [`Self::free`] constants must move to change the outputs by about one standard deviation (the
    /// root of the mean square over rows and outputs), so that all constants can be searched on one scale. `rows`
    /// `[rows, inputs]`.
    pub fn scales(&self, rows: &[f64]) -> Vec<f64> {
        const SHARE: f64 = 1e-4;
        let size = |value: f64| value.abs().max(1e-3);
        let changes = self.changes(rows, |value| value + SHARE * size(value));
        let scale = |(place, change): (usize, f64)| {
            let size = size(self.constants()[place]);
            let slope = change / (SHARE * size);
            // A constant that does nothing here, or too much, moves by its own size.
            if slope.is_finite() && slope > 1e-9 / size { (1.0 / slope).min(1e3 * size) } else { size }
        };
        self.free().into_iter().zip(changes).map(scale).collect()
    }

    /// For each of the [`Self::free`] constants, how much the outputs change when it becomes 0, in standard deviations;
    /// infinite where they are no longer finite.
    pub fn effects(&self, rows: &[f64]) -> Vec<f64> {
        let changes = self.changes(rows, |_| 0.0);
        changes.into_iter().map(|change| if change.is_nan() { f64::INFINITY } else { change }).collect()
    }

    /// For each of the [`Self::free`] constants, the root of the mean square of the outputs' changes when it is `moved`, in
    /// their standard deviations.
    fn changes(&self, rows: &[f64], moved: impl Fn(f64) -> f64) -> Vec<f64> {
        let outputs = self.expressions.len();
        let mut base = vec![0.0; rows.len() / self.inputs.len() * outputs];
        self.tape.evaluate(rows, &mut base);
        let deviations = deviations(&base, outputs);
        let mut values = base.clone();
        let mut constants = self.constants().to_vec();
        let change = |place: usize| {
            let value = constants[place];
            constants[place] = moved(value);
            self.tape.evaluate_with(&constants, rows, &mut values);
            constants[place] = value;
            let square =
                |(index, (new, old)): (usize, (&f64, &f64))| ((new - old) / deviations[index % outputs]).powi(2);
            let squares: f64 = values.iter().zip(&base).enumerate().map(square).sum();
            (squares / base.len().max(1) as f64).sqrt()
        };
        self.free().into_iter().map(change).collect()
    }

    /// Places of the constants whose [`Self::effects`] are above `floor` and finite, the smallest first, with them.
    pub fn by_effect(&self, rows: &[f64], floor: f64) -> Vec<(f64, usize)> {
        let mut order: Vec<(f64, usize)> = self.effects(rows).into_iter().zip(self.free()).collect();
        order.retain(|(effect, _)| *effect > floor && effect.is_finite());
        order.sort_by(|first, second| first.0.total_cmp(&second.0));
        order
    }
}

/// Standard deviation of each column of `values` `[rows, columns]`; 1 for a constant one.
pub(super) fn deviations(values: &[f64], columns: usize) -> Vec<f64> {
    let rows = (values.len() / columns).max(1) as f64;
    let deviation = |column: usize| {
        let column = || values.iter().skip(column).step_by(columns);
        let mean = column().sum::<f64>() / rows;
        let deviation = (column().map(|value| (value - mean).powi(2)).sum::<f64>() / rows).sqrt();
        if deviation.is_finite() && deviation > 1e-12 { deviation } else { 1.0 }
    };
    (0..columns).map(deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::Draft;
    use crate::head::StudentHead;
    use kanrl_core::space::{ActionSpace, DiscreteSpace};

    fn draft(text: &str) -> Draft {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        Draft::new(head, vec!["x".into(), "y".into()], vec![text.parse().unwrap()]).unwrap()
    }

    #[test]
    fn a_constant_set_to_0_takes_its_term_along() {
        let draft = draft("3*x + 0.5*sin(2*y + 1) + 4");
        assert_eq!(draft.constants(), [3.0, 0.5, 2.0, 1.0, 4.0]);
        assert_eq!(draft.without_constants(&[0]).unwrap().expressions()[0].to_string(), "0.5*sin(2*y + 1) + 4");
        assert_eq!(draft.without_constants(&[1]).unwrap().expressions()[0].to_string(), "3*x + 4");
        assert_eq!(draft.without_constants(&[3]).unwrap().expressions()[0].to_string(), "3*x + 0.5*sin(2*y) + 4");
    }

    #[test]
    fn whole_exponents_stay() {
        assert_eq!(draft("2*x^2 + y").free(), [0]);
    }

    #[test]
    fn scales_move_outputs_by_a_deviation() {
        let draft = draft("2*x + 10*y");
        let rows = [1.0, 0.0, -1.0, 0.0, 0.0, 1.0, 0.0, -1.0];
        let scales = draft.scales(&rows);
        // The output's deviation is sqrt(52), that of x and y sqrt(1/2).
        let wanted = (52.0_f64 * 2.0).sqrt();
        assert!(scales.iter().all(|scale| (scale - wanted).abs() < 1e-6), "{scales:?}");
        let effects = draft.effects(&rows);
        assert!((effects[0] - 2.0 / wanted).abs() < 1e-9 && effects[0] < effects[1], "{effects:?}");
    }

    #[test]
    fn a_formula_gives_its_draft_back() {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "stay", "right"])));
        let expressions = vec!["x + 1".parse().unwrap(), "2*x".parse().unwrap()];
        let draft = Draft::new(head.clone(), vec!["x".into()], expressions).unwrap();
        assert_eq!(Draft::from_formula(head, &draft.formula().unwrap()).unwrap(), draft);
    }
}
