//! Box2D 2.3 behind a safe face: a [`World`] owns everything in it, and bodies and joints are plain indices.
//!
//! Numbers go in as f64 and are rounded to f32, Box2D's only type, as pybox2d does. The few calls here are those that
//! Gymnasium's environments make.

#![allow(unsafe_code, reason = "Box2D is a C++ library; these two files are all of this crate that calls it")]

mod ffi;

use std::ptr::NonNull;

/// A position, velocity or force in the world's units (m, m/s, N).
pub(crate) type Vector = [f64; 2];

/// A body of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Body(u32);

/// A revolute joint of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Joint(u32);

/// A fixture's shape, in its body's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape<'a> {
    /// A line.
    Edge(Vector, Vector),
    /// A convex polygon of three to eight vertices.
    Polygon(&'a [Vector]),
    /// A rectangle around the origin: half its width and half its height.
    Rectangle(f64, f64),
}

/// What a moving body is made of. It collides with static bodies only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyDefinition<'a> {
    /// Position of the body's origin.
    pub(crate) position: Vector,
    /// Rotation, in rad.
    pub(crate) angle: f64,
    /// Its one fixture.
    pub(crate) shape: Shape<'a>,
    /// Mass per area.
    pub(crate) density: f64,
    /// Coulomb's coefficient; that of a pair is the geometric mean.
    pub(crate) friction: f64,
}

/// A hinge with a motor and stops, with the C++ side's layout.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct JointDefinition {
    /// The body that the angle is measured from.
    pub(crate) first: Body,
    /// The body whose angle it is.
    pub(crate) second: Body,
    /// The hinge in the first body's frame.
    pub(crate) first_anchor: [f32; 2],
    /// The hinge in the second body's frame.
    pub(crate) second_anchor: [f32; 2],
    /// The second body's angle minus the first's where the joint's angle is 0.
    pub(crate) reference_angle: f32,
    /// Smallest and largest angle, in rad.
    pub(crate) limits: [f32; 2],
    /// The speed that the motor tries to reach, in rad/s.
    pub(crate) motor_speed: f32,
    /// The torque that it may use, in N·m.
    pub(crate) maximum_motor_torque: f32,
}

/// Where a body is and how it moves, with the C++ side's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct BodyState {
    position: [f32; 2],
    angle: f32,
    velocity: [f32; 2],
    angular_velocity: f32,
    awake: bool,
}

impl BodyState {
    /// Number of values of [`Self::values`].
    pub(crate) const LENGTH: usize = 7;

    /// Position of the body's origin (not its center of mass).
    pub(crate) fn position(&self) -> Vector {
        self.position.map(f64::from)
    }

    /// Rotation, in rad, not wrapped.
    pub(crate) fn angle(&self) -> f64 {
        f64::from(self.angle)
    }

    /// Velocity of the center of mass.
    pub(crate) fn velocity(&self) -> Vector {
        self.velocity.map(f64::from)
    }

    /// In rad/s.
    pub(crate) fn angular_velocity(&self) -> f64 {
        f64::from(self.angular_velocity)
    }

    /// Whether Box2D simulates it: a body at rest falls asleep after half a second.
    pub(crate) fn awake(&self) -> bool {
        self.awake
    }

    /// x, y, angle, the velocity's x and y, the angular velocity, awake (1 or 0).
    pub(crate) fn values(&self) -> [f64; Self::LENGTH] {
        let ([x, y], [vx, vy]) = (self.position(), self.velocity());
        [x, y, self.angle(), vx, vy, self.angular_velocity(), f64::from(self.awake)]
    }
}

/// A Box2D world. Its results depend on nothing but the calls made to it.
pub(crate) struct World {
    raw: NonNull<ffi::RawWorld>,
    bodies: u32,
    joints: u32,
    moving: Vec<Body>,
}

// SAFETY: `raw` is the only pointer into the C++ world: it is made in `World::without_initialized_tables`, never handed
// out, and nothing on the C++ side refers to the world from outside it. So it may move between threads like any owned
// value. Box2D keeps nothing in thread-local storage that outlives a call. Its globals are two tables, which
// `initialize_tables` fills before the first world exists, and counters, which `cpp/gymnasium.h` makes thread-local.
unsafe impl Send for World {}

impl Drop for World {
    fn drop(&mut self) {
        // SAFETY: `raw` comes from `box2d_world_new`, and a value is dropped once.
        unsafe { ffi::box2d_world_delete(self.raw.as_ptr()) }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let World { bodies, joints, .. } = self;
        formatter.debug_struct("World").field("bodies", bodies).field("joints", joints).finish_non_exhaustive()
    }
}

impl World {
    /// An empty world with `gravity` (m/s²) along y.
    pub(crate) fn new(gravity: f64) -> Self {
        initialize_tables();
        Self::without_initialized_tables(gravity)
    }

    fn without_initialized_tables(gravity: f64) -> Self {
        // SAFETY: the function takes any number.
        let raw = unsafe { ffi::box2d_world_new(gravity as f32) };
        let raw = NonNull::new(raw).expect("C++'s `new` does not return null");
        Self { raw, bodies: 0, joints: 0, moving: Vec::new() }
    }

    /// Adds a body that never moves, with the given fixtures and their friction, in order.
    pub(crate) fn add_static_body<'a>(&mut self, fixtures: impl IntoIterator<Item = (Shape<'a>, f64)>) {
        let body = self.create_body(false, [0.0; 2], 0.0);
        for (shape, friction) in fixtures {
            self.create_fixture(body, shape, 0.0, friction);
        }
    }

    /// Adds a moving body.
    pub(crate) fn add_body(&mut self, definition: &BodyDefinition<'_>) -> Body {
        let body = self.create_body(true, definition.position, definition.angle);
        self.create_fixture(body, definition.shape, definition.density, definition.friction);
        self.moving.push(body);
        body
    }

    fn create_body(&mut self, moving: bool, position: Vector, angle: f64) -> Body {
        let [x, y] = narrow(position);
        // SAFETY: `raw` is alive as long as `self` is.
        let body = unsafe { ffi::box2d_add_body(self.raw.as_ptr(), moving, x, y, angle as f32) };
        self.bodies = body + 1;
        Body(body)
    }

    fn create_fixture(&mut self, body: Body, shape: Shape<'_>, density: f64, friction: f64) {
        let (raw, body, density, friction) = (self.raw.as_ptr(), self.check(body), density as f32, friction as f32);
        match shape {
            Shape::Edge(from, to) => {
                let points = [narrow(from), narrow(to)];
                // SAFETY: `raw` is alive, the body is its, and the function reads two points.
                unsafe { ffi::box2d_add_edge(raw, body, &points, friction) }
            }
            Shape::Rectangle(width, height) => {
                let (width, height) = (width as f32, height as f32);
                // SAFETY: `raw` is alive and the body is its.
                unsafe { ffi::box2d_add_rectangle(raw, body, width, height, density, friction) }
            }
            Shape::Polygon(vertices) => {
                assert!((3..=8).contains(&vertices.len()), "a polygon has three to eight vertices");
                let points: Vec<[f32; 2]> = vertices.iter().copied().map(narrow).collect();
                let count = points.len() as i32;
                // SAFETY: `raw` is alive, the body is its, and the function reads `count` points, at most 8.
                unsafe { ffi::box2d_add_polygon(raw, body, points.as_ptr(), count, density, friction) }
            }
        }
    }

    /// Adds a hinge.
    pub(crate) fn add_joint(&mut self, definition: &JointDefinition) -> Joint {
        self.check(definition.first);
        self.check(definition.second);
        // SAFETY: `raw` is alive, both bodies are its, and the definition has the C++ side's layout.
        let joint = unsafe { ffi::box2d_add_joint(self.raw.as_ptr(), definition) };
        self.joints = joint + 1;
        Joint(joint)
    }

    /// Simulates `time_step` seconds with 180 velocity and 60 position iterations.
    pub(crate) fn step(&mut self, time_step: f64) {
        // SAFETY: `raw` is alive.
        unsafe { ffi::box2d_step(self.raw.as_ptr(), time_step as f32, 180, 60) }
    }

    /// Changes the gravity along y, in m/s².
    pub(crate) fn set_gravity(&mut self, gravity: f64) {
        // SAFETY: `raw` is alive.
        unsafe { ffi::box2d_set_gravity(self.raw.as_ptr(), gravity as f32) }
    }

    /// Changes a body's density and with it its mass.
    pub(crate) fn set_density(&mut self, body: Body, density: f64) {
        let body = self.check(body);
        // SAFETY: `raw` is alive and the body is its.
        unsafe { ffi::box2d_set_density(self.raw.as_ptr(), body, density as f32) }
    }

    /// Applies a force (N) to a body's center of mass during the next step.
    pub(crate) fn apply_force(&mut self, body: Body, force: Vector) {
        let (body, [x, y]) = (self.check(body), narrow(force));
        // SAFETY: `raw` is alive and the body is its.
        unsafe { ffi::box2d_apply_force(self.raw.as_ptr(), body, x, y) }
    }

    /// Applies a torque (N·m) during the next step.
    pub(crate) fn apply_torque(&mut self, body: Body, torque: f64) {
        let body = self.check(body);
        // SAFETY: `raw` is alive and the body is its.
        unsafe { ffi::box2d_apply_torque(self.raw.as_ptr(), body, torque as f32) }
    }

    /// Applies an impulse (N·s) at a point of the world.
    pub(crate) fn apply_impulse(&mut self, body: Body, impulse: Vector, point: Vector) {
        let body = self.check(body);
        // SAFETY: `raw` is alive, the body is its, and the function reads one vector from each pointer.
        unsafe { ffi::box2d_apply_impulse(self.raw.as_ptr(), body, &narrow(impulse), &narrow(point)) }
    }

    /// Sets the speed (rad/s) that a joint's motor tries to reach and the torque (N·m) that it may use.
    pub(crate) fn set_motor(&mut self, joint: Joint, speed: f64, maximum_torque: f64) {
        let joint = self.check_joint(joint);
        // SAFETY: `raw` is alive and the joint is its.
        unsafe { ffi::box2d_set_motor(self.raw.as_ptr(), joint, speed as f32, maximum_torque as f32) }
    }

    /// A joint's angle (rad) and speed (rad/s).
    pub(crate) fn joint_state(&self, joint: Joint) -> [f64; 2] {
        let mut state = [0.0; 2];
        // SAFETY: `raw` is alive, the joint is its, and the function writes two numbers.
        unsafe { ffi::box2d_joint_state(self.raw.as_ptr(), self.check_joint(joint), &mut state) }
        state.map(f64::from)
    }

    /// Where a body is.
    pub(crate) fn state(&self, body: Body) -> BodyState {
        let mut state = BodyState::default();
        // SAFETY: `raw` is alive, the body is its, and the function writes a state in its own layout, `awake` as 0 or 1.
        unsafe { ffi::box2d_body_state(self.raw.as_ptr(), self.check(body), &mut state) }
        state
    }

    /// The states of all moving bodies, in the order in which they were added.
    pub(crate) fn states(&self) -> impl Iterator<Item = BodyState> {
        self.moving.iter().map(|body| self.state(*body))
    }

    /// Gymnasium's `ground_contact`: whether the last thing that happened to the body was that a contact began. (With
    /// two contacts at once it turns false when the first of them ends.)
    pub(crate) fn touches_ground(&self, body: Body) -> bool {
        // SAFETY: `raw` is alive and the body is its.
        unsafe { ffi::box2d_touching(self.raw.as_ptr(), self.check(body)) }
    }

    /// Whether a contact of the body has ever begun.
    pub(crate) fn has_touched_ground(&self, body: Body) -> bool {
        // SAFETY: `raw` is alive and the body is its.
        unsafe { ffi::box2d_touched(self.raw.as_ptr(), self.check(body)) }
    }

    /// The part of the way from `from` to `to` after which a static body is hit; 1 where none is.
    pub(crate) fn ray_cast(&self, from: Vector, to: Vector) -> f64 {
        // SAFETY: `raw` is alive, and the function reads one vector from each pointer.
        f64::from(unsafe { ffi::box2d_ray_cast(self.raw.as_ptr(), &narrow(from), &narrow(to)) })
    }

    fn check(&self, body: Body) -> u32 {
        assert!(body.0 < self.bodies, "the body belongs to this world");
        body.0
    }

    fn check_joint(&self, joint: Joint) -> u32 {
        assert!(joint.0 < self.joints, "the joint belongs to this world");
        joint.0
    }
}

/// Fills the two tables that Box2D keeps in globals and fills on first use without a lock: the memory allocator's when
/// a world is made, the contact constructors' when two fixtures come close.
fn initialize_tables() {
    static TABLES: std::sync::Once = std::sync::Once::new();
    TABLES.call_once(|| {
        let mut world = World::without_initialized_tables(0.0);
        let square = Shape::Rectangle(1.0, 1.0);
        world.add_static_body([(square, 0.0)]);
        world.add_body(&BodyDefinition { position: [0.5; 2], angle: 0.0, shape: square, density: 1.0, friction: 0.0 });
        world.step(0.01);
    });
}

fn narrow(vector: Vector) -> [f32; 2] {
    vector.map(|value| value as f32)
}
