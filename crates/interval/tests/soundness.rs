//! Nothing that a program computes lies outside what was proved.

use kanrl_interval::{Affine, Function, Interval, Number};

/// A small generator: `xorshift64*`.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn within(&mut self, range: Interval) -> f64 {
        (range.low + self.unit() * (range.high - range.low)).clamp(range.low, range.high)
    }

    fn interval(&mut self, size: f64) -> Interval {
        let (a, b) = (size * (2.0 * self.unit() - 1.0), size * self.unit() * self.unit() * self.unit());
        Interval::new(a, a + b)
    }
}

type InDoubles = fn(f64) -> f64;

const FUNCTIONS: [(Function, InDoubles); 19] = [
    (Function::Exp, f64::exp),
    (Function::Log, f64::ln),
    (Function::Sqrt, f64::sqrt),
    (Function::Sin, f64::sin),
    (Function::Cos, f64::cos),
    (Function::Tan, f64::tan),
    (Function::Tanh, f64::tanh),
    (Function::Arcsin, f64::asin),
    (Function::Arccos, f64::acos),
    (Function::Arctan, f64::atan),
    (Function::Arctanh, f64::atanh),
    (Function::Abs, f64::abs),
    (Function::Sign, |x| if x == 0.0 { x } else { x.signum() }),
    (Function::Step, |x| if x > 0.0 { 1.0 } else { 0.0 }),
    (Function::Gaussian, |x| (-(x * x)).exp()),
    (Function::WholePower(2), |x| x * x),
    (Function::WholePower(3), |x| x * x * x),
    (Function::WholePower(-1), |x| 1.0 / x),
    (Function::Positive, |x| x.max(0.0)),
];

#[test]
fn functions_enclose_their_values_and_slopes() {
    let mut random = Random(1);
    for (function, value) in FUNCTIONS {
        for _ in 0..3000 {
            let size = [0.9, 3.0, 30.0][(random.unit() * 3.0) as usize];
            let x = random.interval(size);
            let (values, slopes) = (function.value(x), function.slope(x));
            for _ in 0..20 {
                let (a, b) = (random.within(x), random.within(x));
                let (left, right) = (value(a), value(b));
                assert!(values.contains(left), "{function:?}({a}) = {left} is not in {values} over {x}");
                assert!(values.is_undefined() || !left.is_nan(), "{function:?}({a}) over {x}");
                if (a - b).abs() > 1e-6 && values.is_finite() {
                    let slope = (left - right) / (a - b);
                    let slack = 1e-9 * (1.0 + slope.abs());
                    assert!(
                        slopes.inflated(slack).contains(slope),
                        "{function:?} from {a} to {b}: {slope} not in {slopes}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_million_points_never_leave_affine_forms_and_intervals() {
    fn computed<T: Number>(x: &T, y: &T) -> [T; 4] {
        let one = x.times(y).plus(&x.function(Function::Sin).scaled(3.0));
        let two = one.minimum(&y.function(Function::Tanh)).minus(&x.to_f32());
        let three = two.function(Function::WholePower(3)).over(&x.function(Function::Cos).plus(&T::constant(2.0)));
        let four = three.clipped(-1.0, 1.0).maximum(&one.function(Function::Abs).negated());
        [one, two, three, four]
    }
    fn in_doubles(x: f64, y: f64) -> [f64; 4] {
        let one = x * y + x.sin() * 3.0;
        let two = one.min(y.tanh()) - f64::from(x as f32);
        let three = two.powi(3) / (x.cos() + 2.0);
        [one, two, three, three.clamp(-1.0, 1.0).max(-one.abs())]
    }
    let mut random = Random(2);
    for _ in 0..10_000 {
        let sides = [random.interval(3.0), random.interval(3.0)];
        let [x, y] = Affine::<4>::of_box(&sides);
        let (affine, plain) = (computed(&x, &y), computed(&sides[0], &sides[1]));
        for _ in 0..100 {
            let point = [random.within(sides[0]), random.within(sides[1])];
            let symbols: [f64; 2] = std::array::from_fn(|index| {
                (point[index] - sides[index].middle()) / sides[index].radius().max(f64::MIN_POSITIVE)
            });
            for (index, value) in in_doubles(point[0], point[1]).into_iter().enumerate() {
                assert!(plain[index].contains(value), "{index}: {value} not in {}", plain[index]);
                assert!(affine[index].range().contains(value), "{index}: {value} not in {:?}", affine[index]);
                let line = affine[index].center()
                    + affine[index].terms()[0] * symbols[0]
                    + affine[index].terms()[1] * symbols[1];
                assert!(
                    (value - line).abs() <= affine[index].error() + 1e-13,
                    "{index}: {value} at {symbols:?}: {:?}",
                    affine[index]
                );
            }
        }
    }
}

#[test]
fn what_may_be_nan_is_undefined_and_stays_so() {
    let x = Interval::new(-1.0, 1.0);
    let bad = Function::Log.value(x);
    assert!(bad.is_undefined() && (bad + x).is_undefined() && (bad * x).is_undefined());
    assert!(bad.minimum(x).is_undefined() && bad.hull(x).is_undefined());
    let affine: Affine<2> = Affine::symbol(x, 0);
    let bad = affine.function(Function::Log);
    assert!(bad.range().is_undefined() && bad.plus(&affine).range().is_undefined());
    assert!(bad.times(&affine).clipped(-1.0, 1.0).range().is_undefined());
    assert!(Interval::ANYTHING.radius().is_infinite() && Interval::ANYTHING.middle() == 0.0);
}

#[test]
fn errors_that_are_followed_still_hold_every_point() {
    fn step<T: Number>([x, y]: &[T; 2]) -> [T; 2] {
        let y = y.minus(&x.function(Function::Sin).scaled(0.3));
        [x.plus(&y.scaled(0.3)), y]
    }
    let mut random = Random(3);
    let sides = [Interval::new(0.25, 0.35), Interval::new(-0.05, 0.05)];
    let mut points: Vec<[f64; 2]> = (0..1000).map(|_| [random.within(sides[0]), random.within(sides[1])]).collect();
    let mut set = Affine::<8>::of_box(&sides);
    for _ in 0..50 {
        set = step(&set);
        Affine::follow_errors(&mut set);
        for [x, y] in &mut points {
            *y -= x.sin() * 0.3;
            *x += *y * 0.3;
            assert!(set[0].range().contains(*x) && set[1].range().contains(*y), "{x}, {y}: {set:?}");
            // In every direction, not only along the axes.
            for [a, b] in [[1.0, 1.0], [1.0, -1.0], [0.3, 2.0]] {
                let sum = set[0].scaled(a).plus(&set[1].scaled(b)).range();
                assert!(sum.inflated(1e-12).contains(a * *x + b * *y));
            }
        }
    }
    assert!(set[0].range().radius() < 0.2, "{}", set[0].range());
}
