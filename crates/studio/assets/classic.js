// Gymnasium's classic-control environments, as kanrl plays them: the same order of operations and the same single-precision
// numbers. What may differ is the last bit of a sine, a cosine and a power, which a browser computes in its own way.

const { PI, sin, cos, fround } = Math;
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Each environment: `observe` writes what is seen of a state, `step` changes the state and gives [reward, terminated]. */
export const classic = {
  "CartPole-v1": {
    size: 4,
    observe: (s, o) => {
      for (let index = 0; index < 4; index++) o[index] = fround(s[index]);
    },
    step: (s, action, c, options) => {
      const total = c.masspole + c.masscart;
      const polemass = c.masspole * c.length;
      const force = action === 1 ? c.force_mag : -c.force_mag;
      const [sine, cosine] = [sin(s[2]), cos(s[2])];
      const temp = (force + polemass * (s[3] * s[3]) * sine) / total;
      const turn = (c.gravity * sine - cosine * temp) / (c.length * (4 / 3 - (c.masspole * (cosine * cosine)) / total));
      const push = temp - (polemass * turn * cosine) / total;
      s[0] += c.tau * s[1];
      s[1] += c.tau * push;
      s[2] += c.tau * s[3];
      s[3] += c.tau * turn;
      const limit = (12 * 2 * PI) / 360;
      const over = !(s[0] >= -2.4 && s[0] <= 2.4) || !(s[2] >= -limit && s[2] <= limit);
      return [options.sutton_barto_reward ? (over ? -1 : 0) : 1, over];
    },
    draw: (pen, s) => {
      const scale = 600 / 4.8;
      const [x, y] = [s[0] * scale + 300, 300];
      pen.line([[0, y - 0.5], [600, y - 0.5]], 1, "ink");
      pen.polygon([[x - 25, y - 15], [x + 25, y - 15], [x + 25, y + 15], [x - 25, y + 15]], "ink");
      const along = (across, up) => [x + across * cos(s[2]) + up * sin(s[2]), y - 7.5 - (up * cos(s[2]) - across * sin(s[2]))];
      pen.polygon([along(-5, -5), along(-5, scale - 5), along(5, scale - 5), along(5, -5)], "#ca9865");
      pen.circle(x, y - 7.5, 5, "#8184cb");
    },
    shape: [600, 400],
  },
  "MountainCar-v0": {
    size: 2,
    observe: (s, o) => {
      o[0] = fround(s[0]);
      o[1] = fround(s[1]);
    },
    step: (s, action, c, options) => {
      const push = (action - 1) * c.force + cos(3 * s[0]) * -c.gravity;
      s[1] = clamp(s[1] + push, -0.07, 0.07);
      s[0] = clamp(s[0] + s[1], -1.2, 0.6);
      if (s[0] === -1.2 && s[1] < 0) s[1] = 0;
      return [-1, s[0] >= 0.5 && s[1] >= (options.goal_velocity ?? 0)];
    },
    draw: (pen, s) => mountain(pen, s[0], 0.5),
    shape: [600, 400],
  },
  "MountainCarContinuous-v0": {
    size: 2,
    observe: (s, o) => {
      o[0] = fround(s[0]);
      o[1] = fround(s[1]);
    },
    // Right after a reset the state is double, later single precision, as NumPy promotes them.
    step: (s, [action], c, options, elapsed) => {
      const single = elapsed > 0;
      const force = fround(action);
      const slope = c.gravity * (single ? cos(fround(3 * fround(s[0]))) : cos(3 * s[0]));
      const push = fround(fround(force * fround(c.power)) - fround(slope));
      const add = (a, b, aSingle, bSingle) => (aSingle && bSingle ? fround(a + b) : a + b);
      // A bound that was reached is a Python number, which takes on the other's precision.
      let [velocity, kind] = [add(s[1], push, single, true), single ? "single" : "double"];
      const sees = (bound) => (kind === "single" ? fround(bound) : bound);
      if (velocity > sees(0.07)) [velocity, kind] = [0.07, "number"];
      else if (velocity < sees(-0.07)) [velocity, kind] = [-0.07, "number"];
      let position = single ? fround(s[0] + fround(velocity)) : s[0] + velocity;
      const [low, high, goal] = [-1.2, 0.6, 0.45].map((bound) => (single ? fround(bound) : bound));
      let bounded = false;
      if (position > high) [position, bounded] = [0.6, true];
      else if (position < low) [position, bounded] = [-1.2, true];
      if (position === (bounded ? -1.2 : low) && velocity < 0) velocity = 0;
      const over = position >= (bounded ? 0.45 : goal) && velocity >= (options.goal_velocity ?? 0);
      s[0] = fround(position);
      s[1] = fround(velocity);
      return [(over ? 100 : 0) - force * force * 0.1, over];
    },
    draw: (pen, s) => mountain(pen, s[0], 0.45),
    shape: [600, 400],
  },
  "Acrobot-v1": {
    size: 6,
    observe: (s, o) => {
      [cos(s[0]), sin(s[0]), cos(s[1]), sin(s[1]), s[2], s[3]].forEach((value, index) => (o[index] = fround(value)));
    },
    step: (s, action, c) => {
      const torque = action - 1;
      const ahead = (by, slope) => s.map((value, index) => value + by * slope[index]);
      const half = c.dt / 2;
      const k1 = acrobot(s, torque, c);
      const k2 = acrobot(ahead(half, k1), torque, c);
      const k3 = acrobot(ahead(half, k2), torque, c);
      const k4 = acrobot(ahead(c.dt, k3), torque, c);
      for (let index = 0; index < 4; index++) s[index] += (c.dt / 6) * (k1[index] + 2 * k2[index] + 2 * k3[index] + k4[index]);
      for (const index of [0, 1]) {
        while (s[index] > PI) s[index] -= 2 * PI;
        while (s[index] < -PI) s[index] += 2 * PI;
      }
      s[2] = clamp(s[2], -4 * PI, 4 * PI);
      s[3] = clamp(s[3], -9 * PI, 9 * PI);
      const over = -cos(s[0]) - cos(s[1] + s[0]) > 1;
      return [over ? 0 : -1, over];
    },
    draw: (pen, s) => {
      const scale = 500 / 4.4;
      const at = ([x, y]) => [250 + x * scale, 250 - y * scale];
      pen.line([at([-2.2, 1]), at([2.2, 1])], 1, "ink");
      const elbow = [sin(s[0]), -cos(s[0])];
      for (const [joint, angle] of [[[0, 0], s[0]], [elbow, s[0] + s[1]]]) {
        const turned = ([x, y]) => at([joint[0] + x * sin(angle) + y * cos(angle), joint[1] - x * cos(angle) + y * sin(angle)]);
        pen.polygon([turned([0, -0.1]), turned([0, 0.1]), turned([1, 0.1]), turned([1, -0.1])], "#00cccc");
        pen.circle(...at(joint), 0.1 * scale, "#cccc00");
      }
    },
    shape: [500, 500],
  },
  "Pendulum-v1": {
    size: 3,
    observe: (s, o) => {
      o[0] = fround(cos(s[0]));
      o[1] = fround(sin(s[0]));
      o[2] = fround(s[1]);
    },
    step: (s, [action], c) => {
      const torque = clamp(fround(action), -2, 2);
      const inverse = 3 / (c.m * (c.l * c.l));
      const acceleration = fround(fround(inverse) * torque);
      const price = fround(fround(0.001) * fround(torque * torque));
      let angle = (s[0] + PI) % (2 * PI);
      if (angle < 0) angle += 2 * PI;
      angle -= PI;
      const cost = angle * angle + 0.1 * (s[1] * s[1]) + price;
      s[1] = clamp(s[1] + (((3 * c.g) / (2 * c.l)) * sin(s[0]) + acceleration) * c.dt, -8, 8);
      s[0] += s[1] * c.dt;
      return [-cost, false];
    },
    draw: (pen, s, action) => {
      const scale = 500 / 4.4;
      const at = ([x, y]) => [250 + x * scale, 250 - y * scale];
      const turned = ([x, y]) => at([-x * sin(s[0]) - y * cos(s[0]), x * cos(s[0]) - y * sin(s[0])]);
      pen.polygon([turned([0, -0.1]), turned([0, 0.1]), turned([1, 0.1]), turned([1, -0.1])], "#cc4d4d");
      for (const end of [[0, 0], [1, 0]]) pen.circle(...turned(end), 0.1 * scale, "#cc4d4d");
      const torque = clamp(action?.[0] ?? 0, -2, 2);
      if (Math.abs(torque) > 1e-3) {
        const [radius, sense] = [0.22 * Math.abs(torque), Math.sign(torque)];
        const on = (angle, distance) => at([-distance * sin(sense * angle), distance * cos(sense * angle)]);
        pen.line(Array.from({ length: 49 }, (_, index) => on((1.5 * PI * index) / 48, radius)), 3, "ink");
        pen.polygon([on(1.5 * PI, 0.86 * radius), on(1.5 * PI, 1.14 * radius), on(1.5 * PI + 0.35, radius)], "ink");
      }
      pen.circle(...at([0, 0]), 0.05 * scale, "ink");
    },
    shape: [500, 500],
  },
};

function acrobot([a, b, da, db], torque, c) {
  const [m1, m2, l1, lc1, lc2, moi, g] = [c.link_mass_1, c.link_mass_2, c.link_length_1, c.link_com_pos_1, c.link_com_pos_2, c.link_moi, c.gravity];
  const [sine, cosine] = [sin(b), cos(b)];
  const d1 = m1 * (lc1 * lc1) + m2 * (l1 * l1 + lc2 * lc2 + 2 * l1 * lc2 * cosine) + moi + moi;
  const d2 = m2 * (lc2 * lc2 + l1 * lc2 * cosine) + moi;
  const phi2 = m2 * lc2 * g * cos(a + b - PI / 2);
  const phi1 = -m2 * l1 * lc2 * (db * db) * sine - 2 * m2 * l1 * lc2 * db * da * sine + (m1 * lc1 + m2 * l1) * g * cos(a - PI / 2) + phi2;
  const second = (torque + (d2 / d1) * phi1 - m2 * l1 * lc2 * (da * da) * sine - phi2) / (m2 * (lc2 * lc2) + moi - (d2 * d2) / d1);
  return [da, db, -(d2 * second + phi1) / d1, second];
}

function mountain(pen, position, goal) {
  const [low, high] = [-1.2, 0.6];
  const scale = 600 / (high - low);
  const road = (x, above = 0) => [(x - low) * scale, 400 - ((sin(3 * x) * 0.45 + 0.55) * scale + above)];
  pen.line(Array.from({ length: 101 }, (_, index) => road(low + ((high - low) * index) / 100)), 1.5, "ink");
  const [[x, y], slope] = [road(position, 10), cos(3 * position)];
  const turned = ([across, up]) => [x + across * cos(slope) - up * sin(slope), y - (across * sin(slope) + up * cos(slope))];
  pen.polygon([turned([-20, 0]), turned([-20, 20]), turned([20, 20]), turned([20, 0])], "ink");
  for (const wheel of [-10, 10]) pen.circle(...turned([wheel, 0]), 8, "#808080");
  const [flag, foot] = road(goal);
  pen.line([[flag, foot], [flag, foot - 50]], 1.5, "ink");
  pen.polygon([[flag, foot - 50], [flag, foot - 40], [flag + 25, foot - 45]], "#cccc00");
}
