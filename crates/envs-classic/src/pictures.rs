//! Gymnasium's pictures of the classic-control environments, drawn from their states. All lengths are in pixels and all
//! colors are Gymnasium's.

use kanrl_core::environment::Frame;
use kanrl_render::{Canvas, Color, View};
use std::f64::consts::{FRAC_PI_2, PI};

const WHITE: Color = [255, 255, 255];
const BLACK: Color = [0, 0, 0];

/// The corners of a rectangle in its own coordinates, turned by `angle` (counter-clockwise) and moved to `origin`.
fn rectangle([left, right]: [f64; 2], [bottom, top]: [f64; 2], angle: f64, origin: [f64; 2]) -> [[f64; 2]; 4] {
    [[left, bottom], [left, top], [right, top], [right, bottom]].map(|point| turned(point, angle, origin))
}

fn turned([x, y]: [f64; 2], angle: f64, origin: [f64; 2]) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    [origin[0] + x * cos - y * sin, origin[1] + x * sin + y * cos]
}

/// Cart at `x` (m), a pole of `length` (m) at the angle `theta`; the picture shows `width` meters.
pub(crate) fn cart_pole(x: f64, theta: f64, length: f64, width: f64) -> Frame {
    let scale = 600.0 / width;
    let cart = [x * scale + 300.0, 100.0];
    let axle = [cart[0], cart[1] + 7.5];
    let mut canvas = Canvas::new(600, 400, WHITE);
    // Half a pixel up, a line of one pixel covers whole pixels.
    canvas.stroke_line(&[[0.0, cart[1] + 0.5], [600.0, cart[1] + 0.5]], 1.0, BLACK);
    canvas.fill_polygon(&rectangle([-25.0, 25.0], [-15.0, 15.0], 0.0, cart), BLACK);
    canvas.fill_polygon(&rectangle([-5.0, 5.0], [-5.0, length * scale - 5.0], -theta, axle), [202, 152, 101]);
    canvas.fill_circle(axle, 5.0, [129, 132, 203]);
    canvas.into_frame()
}

/// Car at `position` on the hills between `low` and `high`, the flag at `goal`.
pub(crate) fn mountain_car(position: f64, [low, high]: [f64; 2], goal: f64) -> Frame {
    let scale = 600.0 / (high - low);
    let height = |x: f64| (3.0 * x).sin() * 0.45 + 0.55;
    let on_road = |x: f64, above: f64| [(x - low) * scale, height(x) * scale + above];
    let mut canvas = Canvas::new(600, 400, WHITE);
    let road: Vec<[f64; 2]> =
        (0..=200).map(|step| on_road(low + (high - low) * f64::from(step) / 200.0, 0.0)).collect();
    canvas.stroke_line(&road, 1.5, BLACK);

    let (car, slope) = (on_road(position, 10.0), (3.0 * position).cos());
    canvas.fill_polygon(&rectangle([-20.0, 20.0], [0.0, 20.0], slope, car), BLACK);
    for wheel in [-10.0, 10.0] {
        canvas.fill_circle(turned([wheel, 0.0], slope, car), 8.0, [128; 3]);
    }

    let [x, y] = on_road(goal, 0.0);
    canvas.stroke_line(&[[x, y], [x, y + 50.0]], 1.5, BLACK);
    canvas.fill_polygon(&[[x, y + 50.0], [x, y + 40.0], [x + 25.0, y + 45.0]], [204, 204, 0]);
    canvas.into_frame()
}

/// Two links of one meter at the angles `theta1` (0 hanging down) and `theta2` (relative to the first).
pub(crate) fn acrobot(theta1: f64, theta2: f64) -> Frame {
    let mut canvas = square_meters();
    canvas.stroke_line(&[[-2.2, 1.0], [2.2, 1.0]], 1.0, BLACK);
    let elbow = turned([1.0, 0.0], theta1 - FRAC_PI_2, [0.0; 2]);
    for (joint, angle) in [([0.0; 2], theta1), (elbow, theta1 + theta2)] {
        canvas.fill_polygon(&rectangle([0.0, 1.0], [-0.1, 0.1], angle - FRAC_PI_2, joint), [0, 204, 204]);
        canvas.fill_circle(joint, 0.1, [204, 204, 0]);
    }
    canvas.into_frame()
}

/// A rod of one meter at the angle `theta` (0 upright), with an arrow for the torque (N m) that acts on it.
pub(crate) fn pendulum(theta: f64, torque: Option<f64>) -> Frame {
    const RED: Color = [204, 77, 77];
    let mut canvas = square_meters();
    let direction = theta + FRAC_PI_2;
    canvas.fill_polygon(&rectangle([0.0, 1.0], [-0.1, 0.1], direction, [0.0; 2]), RED);
    for end in [[0.0; 2], turned([1.0, 0.0], direction, [0.0; 2])] {
        canvas.fill_circle(end, 0.1, RED);
    }
    if let Some(torque) = torque.filter(|torque| torque.abs() > 1e-3) {
        // Three quarters of a circle, larger for more torque, with a head at the end it turns to.
        let (radius, sense) = (0.22 * torque.abs(), torque.signum());
        let at = |angle: f64, radius: f64| turned([radius, 0.0], sense * angle + FRAC_PI_2, [0.0; 2]);
        let arc: Vec<[f64; 2]> = (0..=48).map(|step| at(1.5 * PI * f64::from(step) / 48.0, radius)).collect();
        canvas.stroke_line(&arc, 3.0, BLACK);
        let end = 1.5 * PI;
        let head = [at(end, 0.86 * radius), at(end, 1.14 * radius), at(end + 0.35, radius)];
        canvas.fill_polygon(&head, BLACK);
    }
    canvas.fill_circle([0.0; 2], 0.05, BLACK);
    canvas.into_frame()
}

/// 500 × 500 pixels that show ±2.2 m.
fn square_meters() -> Canvas {
    let mut canvas = Canvas::new(500, 500, WHITE);
    canvas.set_view(View { left: -2.2, bottom: -2.2, scale: 500.0 / 4.4 });
    canvas
}
