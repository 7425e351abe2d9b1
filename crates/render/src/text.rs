//! Text on frames, in a typeface that is built in (Hack).

use crate::Color;
use ab_glyph::{Font, FontRef, Glyph, ScaleFont, point};
use kanrl_core::environment::Frame;
use std::sync::LazyLock;

/// The typeface, as the bytes of a TrueType file: Hack Regular, under the MIT and Bitstream Vera licenses.
pub const TYPEFACE: &[u8] = epaint_default_fonts::HACK_REGULAR;

static FONT: LazyLock<FontRef<'static>> =
    LazyLock::new(|| FontRef::try_from_slice(TYPEFACE).expect("the built-in typeface is sound"));

/// Writes a line of text with its upper left corner `[x, y]` pixels from the frame's, `size` pixels high. What lies
/// outside the frame is cut off. Returns the width of the text.
pub fn draw(frame: &mut Frame, [x, y]: [f32; 2], size: f32, color: Color, text: &str) -> f32 {
    let (glyphs, width) = layout(text, [x, y], size);
    for outline in glyphs.into_iter().filter_map(|glyph| FONT.outline_glyph(glyph)) {
        let corner = outline.px_bounds().min;
        outline.draw(|column, row, coverage| {
            blend(frame, corner.x as i64 + i64::from(column), corner.y as i64 + i64::from(row), color, coverage);
        });
    }
    width
}

/// Writes lines of text in the upper left corner, on a panel that lets the picture shine through: such as the policy's
/// action and the return so far.
pub fn caption<S: AsRef<str>>(frame: &mut Frame, lines: &[S]) {
    let size = (frame.height as f32 / 25.0).clamp(12.0, 32.0);
    let margin = (size / 2.0).round();
    let width = lines.iter().map(|line| layout(line.as_ref(), [0.0; 2], size).1).fold(0.0, f32::max);
    if width == 0.0 {
        return;
    }
    let line_height = (size * 1.2).round();
    let panel = [width + 2.0 * margin, line_height * lines.len() as f32 + margin];
    for y in 0..panel[1] as i64 {
        for x in 0..panel[0] as i64 {
            blend(frame, x, y, [255; 3], 0.8);
        }
    }
    for (index, line) in lines.iter().enumerate() {
        let y = margin / 2.0 + index as f32 * line_height;
        draw(frame, [margin, y], size, [30; 3], line.as_ref());
    }
}

/// Places the glyphs of a line; returns its width too. Combining marks stand above the letter before them, and digits
/// below the line are small ones: the typeface has neither.
fn layout(text: &str, [x, y]: [f32; 2], size: f32) -> (Vec<Glyph>, f32) {
    let font = FONT.as_scaled(size);
    let baseline = y + font.ascent();
    let mut end = x;
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        if ('\u{300}'..='\u{36f}').contains(&character) {
            // A mark of another kind is left out: the letter is still there.
            let above =
                glyphs.last().zip(spacing_mark(character)).and_then(|(letter, mark)| raised(mark, letter, size));
            glyphs.extend(above);
            continue;
        }
        let (character, size, drop) = match character {
            '₀'..='₉' => {
                (char::from(b'0' + (u32::from(character) - u32::from('₀')) as u8), 0.65 * size, 0.12 * size)
            }
            _ => (character, size, 0.0),
        };
        let glyph = FONT.glyph_id(character).with_scale_and_position(size, point(end, baseline + drop));
        end += FONT.as_scaled(size).h_advance(glyph.id);
        glyphs.push(glyph);
    }
    (glyphs, end - x)
}

/// The character that looks like a combining mark and stands by itself.
fn spacing_mark(combining: char) -> Option<char> {
    Some(match combining {
        '\u{300}' => '`',
        '\u{301}' => '´',
        '\u{302}' => 'ˆ',
        '\u{303}' => '˜',
        '\u{304}' | '\u{305}' => '¯',
        '\u{307}' => '˙',
        '\u{308}' => '¨',
        _ => return None,
    })
}

/// A mark over the middle of a letter (or of the mark below it), as low as it can be without touching it.
fn raised(mark: char, letter: &Glyph, size: f32) -> Option<Glyph> {
    let mut glyph = FONT.glyph_id(mark).with_scale_and_position(size, letter.position);
    let below = FONT.outline_glyph(letter.clone())?.px_bounds();
    let own = FONT.outline_glyph(glyph.clone())?.px_bounds();
    glyph.position.x += (below.min.x + below.max.x - own.min.x - own.max.x) / 2.0;
    glyph.position.y += (below.min.y - 0.06 * size - own.max.y).min(0.0);
    Some(glyph)
}

fn blend(frame: &mut Frame, x: i64, y: i64, color: Color, coverage: f32) {
    let inside = (0..frame.width as i64).contains(&x) && (0..frame.height as i64).contains(&y);
    if !inside {
        return;
    }
    let place = (y as usize * frame.width + x as usize) * 3;
    for (value, color) in frame.rgb[place..place + 3].iter_mut().zip(color) {
        let mixed = f32::from(*value) + (f32::from(color) - f32::from(*value)) * coverage.clamp(0.0, 1.0);
        *value = mixed.round() as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::{caption, draw};
    use kanrl_core::environment::Frame;

    fn dark_pixels(frame: &Frame) -> usize {
        frame.rgb.chunks_exact(3).filter(|pixel| pixel[0] < 128).count()
    }

    /// The bounds of the ink: left, top, right, bottom.
    fn ink(text: &str) -> [usize; 4] {
        let mut frame = Frame { width: 80, height: 60, rgb: vec![255; 80 * 60 * 3] };
        draw(&mut frame, [10.0, 15.0], 30.0, [0; 3], text);
        let dark = frame.rgb.chunks_exact(3).enumerate().filter(|(_, pixel)| pixel[0] < 128);
        dark.fold([80, 60, 0, 0], |[left, top, right, bottom], (place, _)| {
            let (x, y) = (place % 80, place / 80);
            [left.min(x), top.min(y), right.max(x), bottom.max(y)]
        })
    }

    #[test]
    fn marks_stand_above_their_letters_and_take_no_room() {
        for letter in ["x", "θ", "α", "φ"] {
            let [left, top, right, bottom] = ink(letter);
            for mark in ["\u{307}", "\u{308}", "\u{302}", "\u{304}"] {
                let marked = ink(&format!("{letter}{mark}"));
                assert!(marked[1] + 2 <= top, "{letter}{mark}: {marked:?} above {top}");
                assert_eq!((marked[0], marked[2], marked[3]), (left, right, bottom), "{letter}{mark} is as wide");
            }
        }
        // A mark without a letter, and one that there is no picture of, leave nothing.
        assert_eq!(ink("\u{307}"), [80, 60, 0, 0]);
        assert_eq!(ink("x\u{36f}"), ink("x"));
        let mut frame = Frame { width: 80, height: 60, rgb: vec![255; 80 * 60 * 3] };
        let width = |frame: &mut Frame, text| draw(frame, [0.0; 2], 20.0, [0; 3], text);
        assert_eq!(width(&mut frame, "θ\u{307}"), width(&mut frame, "θ"));
    }

    #[test]
    fn digits_below_the_line_are_small_ones() {
        let ([_, top, _, bottom], [_, below_top, _, below_bottom]) = (ink("1"), ink("₁"));
        assert!(below_bottom - below_top < bottom - top && below_bottom > bottom);
    }

    #[test]
    fn letters_leave_ink_and_are_cut_at_the_edges() {
        let mut frame = Frame { width: 60, height: 30, rgb: vec![255; 60 * 30 * 3] };
        let width = draw(&mut frame, [2.0, 2.0], 16.0, [0; 3], "θ = 1");
        let ink = dark_pixels(&frame);
        assert!((30.0..60.0).contains(&width) && ink > 20, "{width} pixels wide, {ink} dark");
        draw(&mut frame, [-500.0, -500.0], 16.0, [0; 3], "outside");
        assert_eq!(dark_pixels(&frame), ink);
        draw(&mut frame, [40.0, 20.0], 16.0, [0; 3], "half outside");
        assert!(dark_pixels(&frame) > ink);
        let mut tiny = Frame { width: 1, height: 1, rgb: vec![255; 3] };
        caption(&mut tiny, &["longer than the picture", ""]);
        caption::<&str>(&mut tiny, &[]);
    }
}
