//! Fixed point in C99: a header and a source, without floating point, allocation, loops that may not end, or any library.

use super::compile::{Fixed, FixedAction};
use super::program::{Op, Step};
use super::table::{Pieces, Table};
use super::word::Word;
use std::fmt::Write;

/// Bits of an integer type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    W32,
    W64,
}

impl Width {
    fn of(low: i64, high: i64) -> Self {
        let fits = |value: i64| (i64::from(i32::MIN) + 1..=i64::from(i32::MAX)).contains(&value);
        if fits(low) && fits(high) { Self::W32 } else { Self::W64 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::W32 => "int32_t",
            Self::W64 => "int64_t",
        }
    }

    fn literal(self, value: i64) -> String {
        let bits = if self == Self::W32 { 32 } else { 64 };
        format!("INT{bits}_C({value})")
    }
}

impl Word {
    fn c(self) -> &'static str {
        match self {
            Self::Q15 => "int16_t",
            Self::Q31 => "int32_t",
        }
    }

    fn wide_c(self) -> &'static str {
        match self {
            Self::Q15 => "int32_t",
            Self::Q31 => "int64_t",
        }
    }
}

/// The text as lines of a comment.
pub(crate) fn comment(lines: &str) -> String {
    lines
        .replace("*/", "* /")
        .replace("/*", "/ *")
        .lines()
        .map(|line| format!(" * {line}\n").replace(" \n", "\n"))
        .collect()
}

fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

/// A number with so many digits that it is not rounded down.
pub(crate) fn upward(value: f64) -> String {
    let text = format!("{value:.3e}");
    if text.parse::<f64>().is_ok_and(|shown| shown >= value) { text } else { format!("{:.3e}", value * 1.001) }
}

/// Header and source; `about` is said first in both.
pub(crate) fn c(fixed: &Fixed, about: &str) -> [String; 2] {
    [header(fixed, about), source(fixed, about)]
}

fn action_signature(fixed: &Fixed) -> String {
    let word = fixed.word.c();
    match &fixed.action {
        FixedAction::Clip(_) => {
            format!("void policy_action(const {word} observation[POLICY_INPUTS], {word} action[POLICY_OUTPUTS])")
        }
        _ => format!("int policy_action(const {word} observation[POLICY_INPUTS])"),
    }
}

fn outputs_signature(fixed: &Fixed) -> String {
    let (word, wide) = (fixed.word.c(), fixed.word.wide_c());
    format!("void policy_outputs(const {word} observation[POLICY_INPUTS], {wide} outputs[POLICY_OUTPUTS])")
}

/// What is proved, as text.
pub(crate) fn proved(fixed: &Fixed) -> String {
    let mut text = format!(
        "Fixed point of {} bits. For observations in these ranges, rounded to the nearest whole\nnumber, it is proved: no step \
         overflows, and outputs differ from the formula's by at most\n",
        fixed.word.bits()
    );
    for output in &fixed.outputs {
        let _ = writeln!(text, "  {}: {}", output.name, upward(output.bound));
    }
    if let FixedAction::Clip(coordinates) = &fixed.action {
        for (output, coordinate) in fixed.outputs.iter().zip(coordinates) {
            let _ = writeln!(text, "  {} as an action: {}", output.name, upward(coordinate.bound));
        }
    }
    if !fixed.switches.is_empty() {
        text += "except where one of these is so near to 0 that its sign may be the other one:\n";
        for switch in &fixed.switches {
            let _ = writeln!(text, "  {}, nearer than {}", switch.condition, upward(switch.margin));
        }
    }
    text += "Observations outside of their ranges are held at the nearest end.\n\n";
    for (index, input) in fixed.inputs.iter().enumerate() {
        let _ = match input.used {
            true => writeln!(
                text,
                "observation[{index}] = {} * 2^{}, from {} to {}",
                input.name, input.fraction, input.low, input.high
            ),
            false => writeln!(text, "observation[{index}] = {}, not used", input.name),
        };
    }
    for (index, output) in fixed.outputs.iter().enumerate() {
        let _ = writeln!(text, "outputs[{index}] = {} * 2^{}", output.name, output.fraction);
    }
    if let FixedAction::Clip(coordinates) = &fixed.action {
        for (index, (output, coordinate)) in fixed.outputs.iter().zip(coordinates).enumerate() {
            let _ = writeln!(text, "action[{index}] = {} * 2^{}", output.name, coordinate.fraction);
        }
    }
    text
}

fn header(fixed: &Fixed, about: &str) -> String {
    let about = comment(&format!("{about}\n{}", proved(fixed)));
    let mut text = format!(
        "/*\n{about} */\n#ifndef POLICY_H\n#define POLICY_H\n\n#include <stdint.h>\n\n\
         #define POLICY_INPUTS {}\n#define POLICY_OUTPUTS {}\n\n\
         /* Bits of each number that are a fraction. */\n#define POLICY_OBSERVATION_FRACTION_BITS {{ {} }}\n\
         #define POLICY_OUTPUT_FRACTION_BITS {{ {} }}\n",
        fixed.inputs.len().max(1),
        fixed.outputs.len(),
        if fixed.inputs.is_empty() { "0".to_owned() } else { list(fixed.inputs.iter().map(|input| input.fraction)) },
        list(fixed.outputs.iter().map(|output| output.fraction)),
    );
    if let FixedAction::Clip(coordinates) = &fixed.action {
        let fractions = list(coordinates.iter().map(|coordinate| coordinate.fraction));
        let _ = writeln!(text, "#define POLICY_ACTION_FRACTION_BITS {{ {fractions} }}");
    }
    let about_action = match &fixed.action {
        FixedAction::Argmax => "/* The number of the action: the first largest output. */",
        FixedAction::Threshold => "/* The number of the action: 1 where the output is above 0, else 0. */",
        FixedAction::Clip(_) => "/* The action: the outputs, rounded and clipped to their bounds. */",
    };
    text + &format!(
        "\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n/* The outputs' values, before the action rule. */\n{};\n\n\
         {about_action}\n{};\n\n#ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        outputs_signature(fixed),
        action_signature(fixed)
    )
}

fn source(fixed: &Fixed, about: &str) -> String {
    let mut text = format!(
        "/*\n{} * What is proved of it stands in policy.h.\n */\n#include \"policy.h\"\n\n\
         /* This file shifts negative numbers to the right, and does not compile where that loses their sign. */\n\
         typedef char policy_shift_keeps_sign[((-1) >> 1) == (-1) ? 1 : -1];\n\n",
        comment(&format!("{about}\n"))
    );
    let needed = fixed.program.needed(fixed.outputs.iter().map(|output| output.id));
    let used_tables: Vec<usize> = (fixed.program.steps.iter().zip(&needed))
        .filter(|(_, needed)| **needed)
        .filter_map(|(step, _)| if let Op::Table(_, table) = step.op { Some(table) } else { None })
        .collect();
    for (number, table) in fixed.program.tables.iter().enumerate().filter(|(number, _)| used_tables.contains(number)) {
        text += &table_code(table, number + 1, fixed.word);
    }
    text += &format!("{} {{\n", outputs_signature(fixed));
    let uses_input =
        fixed.program.steps.iter().zip(&needed).any(|(step, needed)| *needed && matches!(step.op, Op::Input { .. }));
    if !uses_input {
        text += "    (void)observation;\n";
    }
    for (id, step) in fixed.program.steps.iter().enumerate().filter(|(id, _)| needed[*id]) {
        if !matches!(step.op, Op::Constant(_)) {
            text += &statements(fixed, id, step);
        }
    }
    for (index, output) in fixed.outputs.iter().enumerate() {
        let _ = writeln!(text, "    outputs[{index}] = {};", operand(fixed, output.id));
    }
    text += "}\n\n";
    text + &action(fixed)
}

fn width(fixed: &Fixed, id: usize) -> Width {
    let step = &fixed.program.steps[id];
    Width::of(step.low, step.high)
}

fn operand(fixed: &Fixed, id: usize) -> String {
    match fixed.program.steps[id].op {
        Op::Constant(value) => width(fixed, id).literal(value),
        _ => format!("v{id}"),
    }
}

fn statements(fixed: &Fixed, id: usize, step: &Step) -> String {
    let own = Width::of(step.low, step.high);
    let at = |id: usize| operand(fixed, id);
    let widest = |ids: &[usize]| ids.iter().map(|id| width(fixed, *id)).max().unwrap_or(Width::W32).max(own);
    // Where operands and result fit a type, so does all in between.
    let wide = |ids: &[usize], text: String| {
        if widest(ids) > own { format!("({})({text})", own.name()) } else { text }
    };
    let first = |x: usize, width_needed: Width| {
        if width_needed > width(fixed, x) { format!("({}){}", width_needed.name(), at(x)) } else { at(x) }
    };
    let value = match step.op {
        Op::Input { index, low, high } => {
            let (word, own) = (fixed.word.c(), own.name());
            let (low, high) = (Width::W32.literal(low), Width::W32.literal(high));
            let meaning = meaning(step);
            let cast = if word == own { "" } else { "(int32_t)" };
            return format!(
                "    const {own} x{index} = {cast}observation[{index}];{meaning}\n    const {own} v{id} = x{index} < {low} ? {low} : \
                 (x{index} > {high} ? {high} : x{index});\n"
            );
        }
        Op::Constant(value) => own.literal(value),
        Op::Add(x, y) => wide(&[x, y], format!("{} + {}", first(x, own), at(y))),
        Op::Subtract(x, y) => wide(&[x, y], format!("{} - {}", first(x, own), at(y))),
        Op::Negate(x) => wide(&[x], format!("-{}", first(x, own))),
        Op::Multiply(x, y) => product(fixed, own, x, &at(y)),
        Op::Scale(x, factor) => product(fixed, own, x, &Width::of(factor, factor).literal(factor)),
        Op::Left(x, bits) => wide(&[x], format!("{} * {}", first(x, own), own.literal(1 << bits))),
        Op::Right(x, bits) => {
            let (low, high) = (fixed.program.steps[x].low, fixed.program.steps[x].high);
            let half = 1_i64 << (bits - 1);
            let between = Width::of(low, high + half).max(width(fixed, x));
            let text = format!("({} + {}) >> {bits}", first(x, between), between.literal(half));
            if between > own { format!("({})({text})", own.name()) } else { text }
        }
        Op::Absolute(x) => wide(&[x], format!("{0} < 0 ? -{0} : {0}", at(x))),
        Op::Minimum(x, y) => wide(&[x, y], format!("{0} < {1} ? {0} : {1}", at(x), at(y))),
        Op::Maximum(x, y) => wide(&[x, y], format!("{0} > {1} ? {0} : {1}", at(x), at(y))),
        Op::Select(x, y, z) => wide(&[y, z], format!("{} > 0 ? {} : {}", at(x), at(y), at(z))),
        Op::Divide(x, y) => wide(&[x, y], format!("{} / {}", first(x, own), at(y))),
        Op::Table(x, table) => {
            let call = format!("policy_table_{}({})", table + 1, at(x));
            if table_width(fixed.word) > own { format!("({}){call}", own.name()) } else { call }
        }
    };
    format!("    const {} v{id} = {value};{}\n", own.name(), meaning(step))
}

/// A product; of two 32-bit factors one long multiplication where the result needs 64.
fn product(fixed: &Fixed, own: Width, x: usize, y: &str) -> String {
    if own == Width::W64 && width(fixed, x) == Width::W32 {
        return format!("(int64_t){} * {y}", operand(fixed, x));
    }
    format!("{} * {y}", operand(fixed, x))
}

fn meaning(step: &Step) -> String {
    let Some((meaning, fraction)) = &step.meaning else { return String::new() };
    let meaning = if meaning.chars().count() > 60 {
        format!("{}…", meaning.chars().take(59).collect::<String>())
    } else {
        meaning.clone()
    };
    let meaning: String = meaning.chars().map(|letter| if letter.is_ascii() { letter } else { '?' }).collect();
    format!(" /* {} * 2^{fraction} */", meaning.replace("*/", "* /").replace("/*", "/ *"))
}

fn table_width(word: Word) -> Width {
    if word == Word::Q15 { Width::W32 } else { Width::W64 }
}

fn table_code(table: &Table, number: usize, word: Word) -> String {
    let (pieces, terms) = (table.coefficients.len(), table.coefficients[0].len());
    let wide = table_width(word);
    let (own, literal) = (wide.name(), |value: i64| wide.literal(value));
    let rows: String = table.coefficients.iter().map(|row| format!("    {{ {} }},\n", list(row))).collect();
    let mut text = format!(
        "/* {} in {pieces} piece{} of degree {}. */\nstatic const {} policy_pieces_{number}[{pieces}][{terms}] = {{\n{rows}}};\n\n",
        table.name.replace("*/", "* /"),
        if pieces == 1 { "" } else { "s" },
        terms - 1,
        word.c(),
    );
    if let Pieces::Uneven(starts) = &table.pieces {
        let starts = list(starts.iter().map(|start| Width::W32.literal(*start)));
        text += &format!("static const int32_t policy_starts_{number}[{pieces}] = {{ {starts} }};\n\n");
    }
    text += &format!("static {own} policy_table_{number}(int32_t x) {{\n");
    match &table.pieces {
        Pieces::Even { origin, bits } => {
            let offset = Width::of(*origin, table_span(*bits, pieces));
            text += &format!(
                "    const {0} offset = ({0})x - ({1});\n    const {2} *const c = policy_pieces_{number}[offset >> {bits}];\n    \
                 const {own} t = ({own})(offset & {3}){4};\n",
                offset.name(),
                offset.literal(*origin),
                word.c(),
                offset.literal((1 << bits) - 1),
                if table.cut > 0 { format!(" >> {}", table.cut) } else { String::new() },
            );
        }
        Pieces::Uneven(_) => {
            text += &format!(
                "    int piece = 0;\n    const {} *c;\n    {own} t;\n    while (piece < {} && x >= policy_starts_{number}[piece + 1]) \
                 {{\n        piece++;\n    }}\n    c = policy_pieces_{number}[piece];\n    t = (({own})x - policy_starts_{number}[piece]){};\n",
                word.c(),
                pieces - 1,
                if table.cut > 0 { format!(" >> {}", table.cut) } else { String::new() },
            );
        }
    }
    let rounded = |sum: &str, bits: u32| {
        if bits == 0 { sum.to_owned() } else { format!("({sum} + {}) >> {bits}", literal(1 << (bits - 1))) }
    };
    // Both factors fit a word, so that one long multiplication is enough.
    let product = if wide == Width::W64 { "(int64_t)(int32_t)sum * (int32_t)t" } else { "sum * t" };
    let lines = if terms > 2 { "    " } else { "    const " };
    text += &format!("{lines}{own} sum = c[{}];\n", terms - 1);
    for term in (1..terms - 1).rev() {
        text += &format!("    sum = ({}) + c[{term}];\n", rounded(product, table.t_bits));
    }
    let constant = if table.constant_shift == 0 {
        "c[0]".to_owned()
    } else {
        format!("c[0] * {}", literal(1 << table.constant_shift))
    };
    text + &format!("    return ({}) + {constant};\n}}\n\n", rounded(product, table.last_shift))
}

/// The largest offset into a table.
fn table_span(bits: u32, pieces: usize) -> i64 {
    (pieces as i64) << bits
}

fn action(fixed: &Fixed) -> String {
    let wide = fixed.word.wide_c();
    let compute = format!("    {wide} outputs[POLICY_OUTPUTS];\n    policy_outputs(observation, outputs);\n");
    let signature = action_signature(fixed);
    match &fixed.action {
        FixedAction::Threshold => format!("{signature} {{\n{compute}    return outputs[0] > 0 ? 1 : 0;\n}}\n"),
        FixedAction::Argmax => format!(
            "{signature} {{\n{compute}    int best = 0;\n    for (int index = 1; index < POLICY_OUTPUTS; index++) {{\n        \
             if (outputs[index] > outputs[best]) {{\n            best = index;\n        }}\n    }}\n    return best;\n}}\n"
        ),
        FixedAction::Clip(coordinates) => {
            let wide_width = if fixed.word == Word::Q15 { Width::W32 } else { Width::W64 };
            let mut lines = String::new();
            for (index, (output, coordinate)) in fixed.outputs.iter().zip(coordinates).enumerate() {
                let bits = (output.fraction - coordinate.fraction).unsigned_abs();
                let value = match bits {
                    0 => format!("outputs[{index}]"),
                    bits => format!("(outputs[{index}] + {}) >> {bits}", wide_width.literal(1 << (bits - 1))),
                };
                let (low, high) = (wide_width.literal(coordinate.low), wide_width.literal(coordinate.high));
                lines += &format!(
                    "    {{\n        const {wide} value = {value};\n        action[{index}] = ({})(value < {low} ? {low} : \
                     (value > {high} ? {high} : value));\n    }}\n",
                    fixed.word.c()
                );
            }
            format!("{signature} {{\n{compute}{lines}}}\n")
        }
    }
}
