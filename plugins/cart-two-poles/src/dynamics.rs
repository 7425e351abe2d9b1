//! The equations of motion of a cart with two poles (Wieland 1991).

/// A pole: a uniform rod on a hinge.
#[derive(Clone, Debug)]
pub struct Pole {
    /// Half of its length, in m.
    pub half_length: f64,
    /// Its mass, in kg.
    pub mass: f64,
    /// Friction of the hinge, in N m s.
    pub friction: f64,
}

/// What the equations depend on.
#[derive(Clone, Debug)]
pub struct Constants {
    /// In m/s².
    pub gravity: f64,
    /// Mass of the cart, in kg.
    pub cart_mass: f64,
    /// Friction between cart and rail, in N.
    pub cart_friction: f64,
    /// The long and the short pole.
    pub poles: [Pole; 2],
}

impl Constants {
    /// Wieland's: a long pole of 1 m and 0.1 kg, a short one that is as thin, a cart of 1 kg.
    pub fn wieland(short_pole: f64) -> Self {
        let pole = |length: f64| Pole { half_length: length / 2.0, mass: 0.1 * length, friction: 2e-6 };
        Self { gravity: 9.8, cart_mass: 1.0, cart_friction: 5e-4, poles: [pole(1.0), pole(short_pole)] }
    }

    /// Every constant with its name and unit.
    pub fn named(&mut self) -> [(&'static str, &'static str, &mut f64); 9] {
        let [long, short] = &mut self.poles;
        [
            ("gravity", "m/s^2", &mut self.gravity),
            ("cart_mass", "kg", &mut self.cart_mass),
            ("cart_friction", "N", &mut self.cart_friction),
            ("long_half_length", "m", &mut long.half_length),
            ("long_mass", "kg", &mut long.mass),
            ("long_friction", "N m s", &mut long.friction),
            ("short_half_length", "m", &mut short.half_length),
            ("short_mass", "kg", &mut short.mass),
            ("short_friction", "N m s", &mut short.friction),
        ]
    }
}

/// The time derivative of the state `[x, x', θ₁, θ₁', θ₂, θ₂']` under a force on the cart, in N.
///
/// `x'' = (F − μ sgn x' + Σ Fᵢ) / (M + Σ mᵢ (1 − ¾ cos² θᵢ))`, with
/// `Fᵢ = mᵢ lᵢ θᵢ'² sin θᵢ + ¾ mᵢ cos θᵢ (μᵢ θᵢ' / (mᵢ lᵢ) − g sin θᵢ)`, and
/// `θᵢ'' = −¾ (x'' cos θᵢ − g sin θᵢ + μᵢ θᵢ' / (mᵢ lᵢ)) / lᵢ`.
pub fn accelerations(constants: &Constants, state: &[f64; 6], force: f64) -> [f64; 6] {
    let &[_, x_dot, ..] = state;
    // Unlike `signum`, 0 at rest.
    let direction = if x_dot == 0.0 { 0.0 } else { x_dot.signum() };
    let (mut pull, mut mass) = (force - constants.cart_friction * direction, constants.cart_mass);
    let angles = [(state[2], state[3]), (state[4], state[5])];
    for (pole, (theta, theta_dot)) in constants.poles.iter().zip(angles) {
        let (sine, cosine) = theta.sin_cos();
        let drag = pole.friction * theta_dot / (pole.mass * pole.half_length);
        pull += pole.mass
            * (pole.half_length * theta_dot.powi(2) * sine + 0.75 * cosine * (drag - constants.gravity * sine));
        mass += pole.mass * (1.0 - 0.75 * cosine.powi(2));
    }
    let x_dot_dot = pull / mass;
    let angular = |pole: &Pole, (theta, theta_dot): (f64, f64)| {
        let (sine, cosine) = theta.sin_cos();
        let drag = pole.friction * theta_dot / (pole.mass * pole.half_length);
        -0.75 * (x_dot_dot * cosine - constants.gravity * sine + drag) / pole.half_length
    };
    let [long, short] = &constants.poles;
    [x_dot, x_dot_dot, state[3], angular(long, angles[0]), state[5], angular(short, angles[1])]
}

/// One step of the classical Runge-Kutta method of order 4.
pub fn advance(constants: &Constants, state: &[f64; 6], force: f64, time_step: f64) -> [f64; 6] {
    let slope = |state: &[f64; 6]| accelerations(constants, state, force);
    let along = |slope: &[f64; 6], time: f64| std::array::from_fn(|index| state[index] + time * slope[index]);
    let first = slope(state);
    let second = slope(&along(&first, time_step / 2.0));
    let third = slope(&along(&second, time_step / 2.0));
    let fourth = slope(&along(&third, time_step));
    std::array::from_fn(|index| {
        let sum = first[index] + 2.0 * second[index] + 2.0 * third[index] + fourth[index];
        state[index] + time_step / 6.0 * sum
    })
}
