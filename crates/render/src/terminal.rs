//! Frames in a terminal: two pixels a character cell, in 24-bit color.

use kanrl_core::environment::Frame;
use std::fmt::Write;

/// A frame as lines of half-block characters, scaled to `columns` cells wide. Every line resets its colors and ends
/// in a newline. A frame without pixels, or no columns, gives an empty text.
///
/// ```
/// let frame = kanrl_core::environment::Frame { width: 2, height: 2, rgb: [[255, 0, 0]; 4].concat() };
/// let red = "\x1b[38;2;255;0;0m\x1b[48;2;255;0;0m";
/// assert_eq!(kanrl_render::terminal::half_blocks(&frame, 2), format!("{red}▀▀\x1b[0m\n"));
/// ```
pub fn half_blocks(frame: &Frame, columns: usize) -> String {
    let columns = columns.min(frame.width);
    if columns == 0 || frame.height == 0 {
        return String::new();
    }
    // A cell is about twice as high as wide, so that half a cell is a square.
    let rows = (frame.height * columns / frame.width).div_ceil(2).max(1);
    let mut text = String::with_capacity(rows * columns * 12);
    for row in 0..rows {
        let mut colors = [None; 2];
        for column in 0..columns {
            let cell = [0, 1].map(|half| average(frame, (column, columns), (2 * row + half, 2 * rows)));
            for (ground, (color, known)) in ["38", "48"].iter().zip(cell.iter().zip(&mut colors)) {
                if *known != Some(*color) {
                    let [red, green, blue] = color;
                    write!(text, "\x1b[{ground};2;{red};{green};{blue}m").expect("writing to memory");
                    *known = Some(*color);
                }
            }
            text.push('▀');
        }
        text.push_str("\x1b[0m\n");
    }
    text
}

/// Mean color of the frame's part in column `column` of `columns` and row `row` of `rows`.
fn average(frame: &Frame, (column, columns): (usize, usize), (row, rows): (usize, usize)) -> [u8; 3] {
    let part = |index: usize, parts: usize, length: usize| {
        let start = (index * length / parts).min(length - 1);
        start..((index + 1) * length / parts).clamp(start + 1, length)
    };
    let (horizontal, vertical) = (part(column, columns, frame.width), part(row, rows, frame.height));
    let mut sums = [0_u64; 3];
    for y in vertical.clone() {
        let line = &frame.rgb[(y * frame.width + horizontal.start) * 3..(y * frame.width + horizontal.end) * 3];
        for pixel in line.chunks_exact(3) {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u64::from(*value);
            }
        }
    }
    let pixels = (vertical.len() * horizontal.len()) as u64;
    sums.map(|sum| ((sum + pixels / 2) / pixels) as u8)
}

#[cfg(test)]
mod tests {
    use super::half_blocks;
    use kanrl_core::environment::Frame;

    #[test]
    fn keeps_the_shape_for_any_size() {
        for (width, height, columns) in [(600, 400, 80), (1, 1, 80), (3, 50, 2), (5, 1, 5)] {
            let frame = Frame { width, height, rgb: vec![7; width * height * 3] };
            let text = half_blocks(&frame, columns);
            let columns = columns.min(width);
            assert!(text.lines().all(|line| line.matches('▀').count() == columns));
            assert_eq!(text.lines().count(), (height * columns / width).div_ceil(2).max(1));
        }
        assert_eq!(half_blocks(&Frame { width: 0, height: 0, rgb: vec![] }, 80), "");
    }
}
