//! Making a draft shorter: terms left out, and functions that give way to a line or to a shorter one.

use super::Draft;
use super::draft::deviations;
use super::fit::{Fitted, refit};
use super::rounding::spread;
use kanrl_core::approximator::FitTask;
use kanrl_core::function::{FittedFunction, SampledCurve, SymbolicLibrary};
use kanrl_symbolic::library::{broken_lines, guarded};
use kanrl_symbolic::{Expression, Node, Operator};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Edits that are missed in a row before all that change the outputs more are taken to be missed, too.
const MISSES: usize = 12;
/// Rows that edits are found and compared on.
const ROWS: usize = 600;
/// Functions of the library, and broken lines, that a curve may become.
const NAMES: usize = 4;
const BROKEN_LINES: usize = 2;
/// What an argument of a new function may be beyond its range here, in shares of that.
const MARGIN: f64 = 0.5;

/// One way to make a draft shorter.
#[derive(Clone, Debug)]
enum Edit {
    /// The constant of this place becomes 0.
    Zero(usize),
    /// This node of an output becomes another function, over the variable `x`, of what it depends on.
    Function { output: usize, node: usize, with: Expression },
}

/// Makes as many edits as are not missed: those that change the outputs least first, many at a time where that works, each
/// trial judged after a refit of `steps` by `is_as_good`. `more` hears the operations so far, and can end it. Curves may
/// become functions of `library`.
pub fn shorten(
    fitted: Fitted,
    task: FitTask<'_>,
    steps: usize,
    library: &dyn SymbolicLibrary,
    is_as_good: &mut dyn FnMut(&Fitted) -> bool,
    more: &mut dyn FnMut(usize) -> bool,
) -> Fitted {
    let mut best = fitted;
    let rows = spread(task.train.inputs, best.draft.inputs().len(), ROWS);
    // What was missed once is not tried again.
    let mut missed = -1.0;
    let mut misses = 0;
    let mut batch = usize::MAX;
    while misses < MISSES {
        let order = by_effect(&best.draft, &rows, library, missed);
        batch = batch.min(order.len().div_ceil(2));
        let mut rest = order.as_slice();
        let mut shorter = None;
        while let Some((effect, _)) = rest.first().filter(|_| misses < MISSES) {
            if !more(best.draft.operations()) {
                return best;
            }
            let edits: Vec<&Edit> = rest[..batch.min(rest.len())].iter().map(|(_, edit)| edit).collect();
            let trial = edited(&best.draft, &edits).map(|draft| refit(&draft, task, steps, &mut |_, _| true));
            let is_shorter = trial.is_some();
            if let Some(trial) = trial.filter(&mut *is_as_good) {
                shorter = Some(trial);
                break;
            }
            if batch > 1 {
                batch = batch.div_ceil(4);
                continue;
            }
            if is_shorter {
                (missed, misses) = (*effect, misses + 1);
            }
            rest = &rest[1..];
        }
        // Places have moved.
        let Some(shorter) = shorter else { break };
        (best, misses, batch) = (shorter, 0, 2 * batch);
    }
    best
}

/// All edits, and how much each changes the outputs but for a shift, in their standard deviations; the smallest first, those
/// above `floor` only.
fn by_effect(draft: &Draft, rows: &[f64], library: &dyn SymbolicLibrary, floor: f64) -> Vec<(f64, Edit)> {
    let mut edits: Vec<Edit> = draft.free().into_iter().map(Edit::Zero).collect();
    edits.extend(functions(draft, rows, library));
    let outputs = draft.expressions().len();
    let mut base = vec![0.0; rows.len() / draft.inputs().len() * outputs];
    draft.tape().evaluate(rows, &mut base);
    let deviations = deviations(&base, outputs);
    let effect = |edit: &Edit| {
        let edited = edited(draft, &[edit])?;
        let mut values = vec![0.0; base.len()];
        edited.tape().evaluate(rows, &mut values);
        values.iter_mut().zip(&base).for_each(|(value, base)| *value -= base);
        let deviation = |output: usize| {
            let column = || values.iter().skip(output).step_by(outputs);
            let count = (values.len() / outputs) as f64;
            let mean = column().sum::<f64>() / count;
            column().map(|value| (value - mean).powi(2)).sum::<f64>() / count / deviations[output].powi(2)
        };
        let square = (0..outputs).map(deviation).sum::<f64>() / outputs as f64;
        square.is_finite().then(|| square.sqrt())
    };
    let mut order: Vec<(f64, Edit)> = edits
        .into_par_iter()
        .filter_map(|edit| Some((effect(&edit)?, edit)))
        .filter(|(effect, _)| *effect > floor)
        .collect();
    order.sort_by(|first, second| first.0.total_cmp(&second.0));
    order
}

/// The draft with these edits and what they make needless left out; none if that is not shorter.
fn edited(draft: &Draft, edits: &[&Edit]) -> Option<Draft> {
    let mut place = 0;
    let expression = |(output, expression): (usize, &Expression)| {
        let mut index = 0;
        let built = expression.fold(|node, mut operands: Vec<Expression>| {
            let own = index;
            index += 1;
            let with = edits.iter().find_map(|edit| match edit {
                Edit::Function { output: at, node, with } if (*at, *node) == (output, own) => Some(with),
                _ => None,
            });
            if let Some(with) = with {
                let argument = argument(&operands).map_or(Expression::constant(0.0), |at| operands.swap_remove(at));
                return with.substitute(&BTreeMap::from([("x", argument)]));
            }
            match node {
                Node::Constant(value) => {
                    let is_zero = edits.iter().any(|edit| matches!(edit, Edit::Zero(zero) if *zero == place));
                    place += 1;
                    Expression::constant(if is_zero { 0.0 } else { *value })
                }
                Node::Variable(name) => Expression::variable(name).expect("it was one before"),
                Node::Operation(Operator::Add, _) => Expression::sum(operands),
                Node::Operation(Operator::Multiply, _) => product(operands),
                Node::Operation(operator, _) => Expression::operation(*operator, operands),
                Node::Curve(curve) => Expression::curve(curve.clone(), operands.remove(0)),
            }
        });
        built.folded()
    };
    let expressions: Vec<Expression> = draft.expressions().iter().enumerate().map(expression).collect();
    let shorter = Draft::new(draft.head().clone(), draft.inputs().to_vec(), expressions).ok()?;
    let is_finite = shorter.constants().iter().all(|value| value.is_finite());
    (is_finite && shorter.operations() < draft.operations()).then_some(shorter)
}

/// A product. A number before a sum (such as the line that replaced a function) is multiplied into its terms where that does
/// not make it longer.
fn product(mut factors: Vec<Expression>) -> Expression {
    let Some(only) = argument(&factors) else { return Expression::product(factors) };
    let sum = factors.swap_remove(only);
    let factor: f64 = factors.iter().filter_map(Expression::as_constant).product();
    sum.affine(factor, 0.0)
}

/// The only one that is not a number.
fn argument(operands: &[Expression]) -> Option<usize> {
    let mut found = (0..operands.len()).filter(|index| operands[*index].as_constant().is_none());
    found.next().filter(|_| found.next().is_none())
}

/// Functions that nodes of one argument may become.
fn functions(draft: &Draft, rows: &[f64], library: &dyn SymbolicLibrary) -> Vec<Edit> {
    let inputs = draft.inputs();
    let count = rows.len() / inputs.len();
    let mut edits = Vec::new();
    for (output, expression) in draft.expressions().iter().enumerate() {
        let mut index = 0;
        // Whether it is a number, and its value in each row.
        expression.fold(|node, mut operands: Vec<(bool, Vec<f64>)>| {
            let values: Vec<f64> = match node {
                Node::Constant(value) => vec![*value; count],
                Node::Variable(name) => {
                    let input = inputs.iter().position(|input| **input == **name).expect("variables are inputs");
                    rows.iter().skip(input).step_by(inputs.len()).copied().collect()
                }
                Node::Operation(operator, arity) => {
                    let mut row = vec![0.0; *arity];
                    let value = |at: usize| {
                        row.iter_mut().zip(&operands).for_each(|(value, (_, values))| *value = values[at]);
                        operator.value(&row)
                    };
                    (0..count).map(value).collect()
                }
                Node::Curve(curve) => operands[0].1.iter().map(|x| curve.value(*x)).collect(),
            };
            let variable: Vec<usize> = (0..operands.len()).filter(|operand| !operands[*operand].0).collect();
            if let ([only], true) = (&variable[..], bends(node)) {
                let curve = SampledCurve { x: operands.swap_remove(*only).1, y: values.clone() };
                let all = replacements(&curve, matches!(node, Node::Curve(_)).then_some(library));
                edits.extend(all.into_iter().map(|with| Edit::Function { output, node: index, with }));
            }
            index += 1;
            (variable.is_empty() && !matches!(node, Node::Variable(_)), values)
        });
    }
    edits
}

/// Whether a node of one argument is more than a line over it.
fn bends(node: &Node) -> bool {
    match node {
        Node::Operation(operator, _) => !matches!(operator, Operator::Add | Operator::Multiply | Operator::Negate),
        Node::Curve(_) => true,
        _ => false,
    }
}

/// A line, and functions of the library and broken lines, that are near a function.
fn replacements(curve: &SampledCurve, library: Option<&dyn SymbolicLibrary>) -> Vec<Expression> {
    let is_finite = curve.x.iter().chain(&curve.y).all(|value| value.is_finite());
    let mut all: Vec<Expression> = line(curve).filter(|_| is_finite).into_iter().collect();
    if let Some(library) = library.filter(|_| is_finite) {
        let low = curve.x.iter().copied().fold(f64::INFINITY, f64::min);
        let high = curve.x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let margin = MARGIN * (high - low);
        let names =
            library.candidates(curve).into_iter().take(NAMES).chain(broken_lines(curve).into_iter().take(BROKEN_LINES));
        let sound = names.filter_map(|fitted| guarded(fitted, low - margin, high + margin));
        all.extend(sound.filter_map(|fitted| expression(&fitted)));
    }
    all
}

/// The line of least squares; none without two different x.
fn line(curve: &SampledCurve) -> Option<Expression> {
    let count = curve.x.len() as f64;
    let [x_mean, y_mean] = [&curve.x, &curve.y].map(|values| values.iter().sum::<f64>() / count);
    let square: f64 = curve.x.iter().map(|x| (x - x_mean).powi(2)).sum();
    let product: f64 = curve.x.iter().zip(&curve.y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let slope = product / square;
    let is_line = square > 1e-18 * count * x_mean * x_mean && slope.is_finite();
    is_line.then(|| Expression::variable("x").expect("a name").affine(slope, y_mean - slope * x_mean))
}

/// What it computes, over the variable `x`.
fn expression(fitted: &FittedFunction) -> Option<Expression> {
    let FittedFunction { function, a, b, c, d, .. } = fitted;
    let own: Expression = function.expression()?.parse().ok()?;
    let argument = Expression::variable("x").ok()?.affine(*a, *b);
    Some(own.substitute(&BTreeMap::from([("x", argument)])).folded().affine(*c, *d))
}

#[cfg(test)]
mod tests {
    use super::{by_effect, edited, shorten};
    use crate::formulas::Draft;
    use crate::formulas::fit::refit;
    use crate::head::StudentHead;
    use kanrl_core::approximator::{FitTask, Loss, Samples};
    use kanrl_core::config::SymbolicLibraryConfig;
    use kanrl_core::space::{ActionSpace, DiscreteSpace};
    use kanrl_symbolic::library::DefaultLibraryConfig;

    fn draft(text: &str) -> Draft {
        let head = StudentHead::new(ActionSpace::Discrete(DiscreteSpace::new(["left", "right"])));
        Draft::new(head, vec!["x".into(), "y".into()], vec![text.parse().unwrap()]).unwrap()
    }

    fn rows() -> Vec<f64> {
        (0..400).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect()
    }

    fn shortened(text: &str, target: impl Fn(f64, f64) -> f64, limit: f64) -> Draft {
        let inputs = rows();
        let targets: Vec<f64> = inputs.chunks_exact(2).map(|row| target(row[0], row[1])).collect();
        let weights = vec![1.0; targets.len()];
        let train = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
        let fitted = refit(&draft(text), task, 200, &mut |_, _| true);
        assert!(fitted.loss < limit, "{}", fitted.loss);
        let library = DefaultLibraryConfig::default().build().unwrap();
        let mut is_as_good = |trial: &crate::formulas::fit::Fitted| trial.loss <= limit;
        shorten(fitted, task, 50, library.as_ref(), &mut is_as_good, &mut |_| true).draft
    }

    #[test]
    fn needless_terms_go() {
        let short = shortened("1.5*x + 0.1*x^2 + 0.8*sin(2.7*y) + 0.3*y + 0.2", |x, y| 2.0 * x + (3.0 * y).sin(), 1e-6);
        assert_eq!(short.operations(), 4, "{:?}", short.expressions());
        assert!((short.constants()[0] - 2.0).abs() < 1e-3);
    }

    #[test]
    fn a_function_that_hardly_bends_becomes_a_line_and_a_curve_gets_a_name() {
        let short = shortened("2*tanh(0.1*x) + y", |x, y| 0.2 * x + y, 1e-4);
        assert_eq!(short.operations(), 2, "{:?}", short.expressions());
        let places: Vec<f64> = (0..12).map(|index| f64::from(index) / 5.0 - 1.1).collect();
        let pieces: Vec<String> = places.iter().map(|x| format!("{}, {}", x.sin(), x.cos())).collect();
        let joined = places.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        let text = format!("curve(x; {joined}; {}; {}) + y", pieces[0], pieces.join("; "));
        let short = shortened(&text, |x, y| x.sin() + y, 5e-3);
        assert!(short.curves() == 0 && short.operations() <= 6, "{:?}", short.expressions());
    }

    #[test]
    fn edits_together_are_all_made() {
        let draft = draft("2*sin(x + y)^2 + 3*tanh(0.01*y) + 4*x");
        let library = DefaultLibraryConfig::default().build().unwrap();
        let order = by_effect(&draft, &rows(), library.as_ref(), -1.0);
        let (_, least) = &order[0];
        let one = edited(&draft, &[least]).unwrap();
        let both = edited(&draft, &[least, &order[order.len() - 1].1]).unwrap();
        assert!(both.operations() < one.operations() && one.operations() < draft.operations());
    }
}
