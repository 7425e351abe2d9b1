//! Fixed point in Verilog: a module without a clock, whose outputs follow its inputs.

use super::compile::{Fixed, FixedAction};
use super::program::Op;
use super::table::{Pieces, Table};
use std::fmt::Write;

/// `policy.v`: a module with an input for each observation, and outputs for the formula's outputs and the action.
pub(crate) fn verilog(fixed: &Fixed, about: &str) -> String {
    let (word, wide) = (fixed.word.bits(), 2 * fixed.word.bits());
    let number = |value: i64| literal(wide, value);
    let mut ports = Vec::new();
    for (index, input) in fixed.inputs.iter().enumerate() {
        let note = if input.used { String::new() } else { " /* verilator lint_off UNUSEDSIGNAL */".to_owned() };
        ports.push(format!("  input wire signed [{}:0] observation_{index}{note}", word - 1));
    }
    for index in 0..fixed.outputs.len() {
        ports.push(format!("  output wire signed [{}:0] output_{index}", wide - 1));
    }
    match &fixed.action {
        FixedAction::Clip(coordinates) => {
            let port = |index: usize| format!("  output wire signed [{}:0] action_{index}", word - 1);
            ports.extend((0..coordinates.len()).map(port));
        }
        _ => ports.push("  output wire [31:0] action".to_owned()),
    }
    let comment: String = format!("{about}\n{}", super::c::proved(fixed))
        .lines()
        .map(|line| format!("// {line}").trim_end().to_owned() + "\n")
        .collect();
    let mut text = format!("{comment}module policy (\n{}\n);\n", ports.join(",\n"));
    let needed = fixed.program.needed(fixed.outputs.iter().map(|output| output.id));
    let wire = format!("  wire signed [{}:0]", wide - 1);
    for (id, step) in fixed.program.steps.iter().enumerate().filter(|(id, _)| needed[*id]) {
        let value = match step.op {
            Op::Input { index, low, high } => {
                let _ = writeln!(
                    text,
                    "{wire} x{id} = {{{{{}{{observation_{index}[{}]}}}}, observation_{index}}};",
                    word,
                    word - 1
                );
                let (low, high) = (number(low), number(high));
                format!("x{id} < {low} ? {low} : (x{id} > {high} ? {high} : x{id})")
            }
            Op::Constant(value) => number(value),
            Op::Add(x, y) => format!("v{x} + v{y}"),
            Op::Subtract(x, y) => format!("v{x} - v{y}"),
            Op::Negate(x) => format!("-v{x}"),
            Op::Multiply(x, y) => format!("v{x} * v{y}"),
            Op::Scale(x, factor) => format!("v{x} * {}", number(factor)),
            Op::Left(x, bits) => format!("v{x} <<< {bits}"),
            Op::Right(x, bits) => format!("(v{x} + {}) >>> {bits}", number(1 << (bits - 1))),
            Op::Absolute(x) => format!("v{x} < {0} ? -v{x} : v{x}", number(0)),
            Op::Minimum(x, y) => format!("v{x} < v{y} ? v{x} : v{y}"),
            Op::Maximum(x, y) => format!("v{x} > v{y} ? v{x} : v{y}"),
            Op::Select(x, y, z) => format!("v{x} > {} ? v{y} : v{z}", number(0)),
            Op::Divide(x, y) => format!("v{x} / v{y}"),
            Op::Table(x, table) => {
                text += &lookup(&fixed.program.tables[table], id, x, word);
                continue;
            }
        };
        let meaning = step.meaning.as_ref().map_or(String::new(), |(meaning, fraction)| {
            let meaning: String = meaning.chars().filter(char::is_ascii).take(60).collect();
            format!(" // {meaning} * 2^{fraction}")
        });
        let _ = writeln!(text, "{wire} v{id} = {value};{meaning}");
    }
    for (index, output) in fixed.outputs.iter().enumerate() {
        let _ = writeln!(text, "  assign output_{index} = v{};", output.id);
    }
    match &fixed.action {
        FixedAction::Threshold => {
            let _ = writeln!(text, "  assign action = output_0 > {} ? 32'd1 : 32'd0;", number(0));
        }
        FixedAction::Argmax => {
            let _ = writeln!(text, "{wire} best_0 = output_0;\n  wire [31:0] chosen_0 = 32'd0;");
            for index in 1..fixed.outputs.len() {
                let last = index - 1;
                let _ = writeln!(
                    text,
                    "{wire} best_{index} = output_{index} > best_{last} ? output_{index} : best_{last};\n  \
                     wire [31:0] chosen_{index} = output_{index} > best_{last} ? 32'd{index} : chosen_{last};"
                );
            }
            let _ = writeln!(text, "  assign action = chosen_{};", fixed.outputs.len() - 1);
        }
        FixedAction::Clip(coordinates) => {
            for (index, (output, coordinate)) in fixed.outputs.iter().zip(coordinates).enumerate() {
                let bits = (output.fraction - coordinate.fraction).unsigned_abs();
                let value = if bits == 0 {
                    format!("output_{index}")
                } else {
                    format!("(output_{index} + {}) >>> {bits}", number(1 << (bits - 1)))
                };
                let (low, high) = (number(coordinate.low), number(coordinate.high));
                let _ = writeln!(
                    text,
                    "{wire} rounded_{index} = {value};\n{wire} held_{index} = rounded_{index} < {low} ? {low} : (rounded_{index} > {high} \
                     ? {high} : rounded_{index});\n  assign action_{index} = held_{index}[{}:0];",
                    word - 1
                );
            }
        }
    }
    text + "endmodule\n"
}

/// A signed number of so many bits.
fn literal(bits: u32, value: i64) -> String {
    if value < 0 { format!("(-{bits}'sd{})", value.unsigned_abs()) } else { format!("{bits}'sd{value}") }
}

/// A table's value `v{id}` at `v{x}`.
fn lookup(table: &Table, id: usize, x: usize, word: u32) -> String {
    let wide = 2 * word;
    let number = |value: i64| literal(wide, value);
    let terms = table.coefficients[0].len();
    let wire = format!("  wire signed [{}:0]", wide - 1);
    let mut text = format!("  // {} at v{x}\n", table.name.chars().filter(char::is_ascii).collect::<String>());
    let names: Vec<String> = (0..terms).map(|term| format!("v{id}_c{term}")).collect();
    let start = format!("v{id}_start");
    let _ = writeln!(text, "  reg signed [{}:0] {}, {start};", wide - 1, names.join(", "));
    let piece = |index: usize, start: i64| {
        let set = |(name, value): (&String, &i64)| format!("{name} = {};", number(*value));
        let values: Vec<String> = names.iter().zip(&table.coefficients[index]).map(set).collect();
        format!("begin {} v{id}_start = {}; end", values.join(" "), number(start))
    };
    let last = table.coefficients.len() - 1;
    let starts: Vec<i64> = match &table.pieces {
        Pieces::Even { origin, bits } => (0..=last).map(|index| origin + ((index as i64) << bits)).collect(),
        Pieces::Uneven(starts) => starts.clone(),
    };
    text += "  always @* begin\n";
    match &table.pieces {
        Pieces::Even { origin, bits } => {
            let _ = writeln!(text, "    case ((v{x} - {}) >>> {bits})", number(*origin));
            for (index, start) in starts.iter().enumerate().take(last) {
                let _ = writeln!(text, "      {}: {}", number(index as i64), piece(index, *start));
            }
            let _ = writeln!(text, "      default: {}\n    endcase", piece(last, starts[last]));
        }
        Pieces::Uneven(_) => {
            for (index, start) in starts.iter().enumerate().skip(1).rev() {
                let _ = writeln!(text, "    if (v{x} >= {}) {} else", number(*start), piece(index, *start));
            }
            let _ = writeln!(text, "    {}", piece(0, starts[0]));
        }
    }
    text += "  end\n";
    let rounded = |sum: String, bits: u32| {
        if bits == 0 { sum } else { format!("({sum} + {}) >>> {bits}", number(1 << (bits - 1))) }
    };
    let _ = writeln!(text, "{wire} v{id}_t = (v{x} - {start}) >>> {};", table.cut);
    let mut sum = names[terms - 1].clone();
    for term in (1..terms - 1).rev() {
        let product = rounded(format!("{sum} * v{id}_t"), table.t_bits);
        let _ = writeln!(text, "{wire} v{id}_s{term} = ({product}) + {};", names[term]);
        sum = format!("v{id}_s{term}");
    }
    let product = rounded(format!("{sum} * v{id}_t"), table.last_shift);
    let _ = writeln!(text, "{wire} v{id} = ({product}) + ({} <<< {});", names[0], table.constant_shift);
    text
}
