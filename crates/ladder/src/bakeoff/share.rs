//! Who does what: the rows that a tile computes, and the weights that it fetches on the way.

use super::{Fetch, Order, ROWS, Variant};
use std::ops::Range;

/// Steps of k between two looks at where the rows end, and whether something is to be fetched.
pub(super) const UNROLL: usize = 2;

/// What each step, a chain of a tile, fetches: a share of the next chain's weights, or of the next
/// panel's if a tile does all its chains here.
#[derive(Clone, Copy)]
pub(super) struct Share {
    by_chain: bool,
    chains: usize,
    k: usize,
    len: usize,   // what the steps share
    share: usize, // 0: nothing
}

impl Share {
    pub(super) fn new(variant: Variant, k: usize, tiles: usize, chains: usize) -> Share {
        let by_chain = variant.order == Order::ChainByChain;
        let (len, steps) = if by_chain { (variant.chain, tiles) } else { (k, tiles * chains) };
        let share = if variant.fetch == Fetch::None {
            0
        } else {
            len.div_ceil(steps).next_multiple_of(UNROLL)
        };
        Share { by_chain, chains, k, len, share }
    }

    /// Of `there` weights, the panel's and those behind it.
    #[inline(always)]
    pub(super) fn range(
        self,
        k: &Range<usize>,
        chain: usize,
        tile: usize,
        there: usize,
    ) -> Range<usize> {
        let (next, step) =
            if self.by_chain { (k.end, tile) } else { (self.k, tile * self.chains + chain) };
        let end = there.min(next + self.len);
        end.min(next + step * self.share)..end.min(next + (step + 1) * self.share)
    }
}

/// Rows dealt evenly to as few tiles as possible: first those of `size` rows, then those with one
/// less.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    pub tiles: usize,
    size: usize,
    whole: usize, // tiles of `size` rows
}

impl Deal {
    pub(super) const fn new(rows: usize, most: usize) -> Deal {
        let tiles = rows.div_ceil(most);
        let size = rows.div_ceil(tiles);
        Deal { tiles, size, whole: rows - tiles * (size - 1) }
    }

    /// The first row and the height of a tile.
    #[inline(always)]
    pub(super) const fn tile(self, tile: usize) -> (usize, usize) {
        if tile < self.whole {
            (tile * self.size, self.size)
        } else {
            (tile * (self.size - 1) + self.whole, self.size - 1)
        }
    }
}

/// Whether any of [`ROWS`] is dealt to a tile of this height.
pub(super) const fn is_dealt(height: usize, most: usize) -> bool {
    let mut i = 0;
    while i < ROWS.len() {
        let deal = Deal::new(ROWS[i], most);
        if height == deal.size || (deal.whole < deal.tiles && height + 1 == deal.size) {
            return true;
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bakeoff::SHAPES;
    use minilm_kernels::Level;

    #[test]
    fn every_row_is_in_one_tile_and_every_height_is_compiled() {
        for rows in ROWS {
            for most in 1..=24 {
                let deal = Deal::new(rows, most);
                let mut next = 0;
                for (row, height) in (0..deal.tiles).map(|tile| deal.tile(tile)) {
                    assert_eq!(row, next, "{rows} rows in tiles of {most}");
                    assert!(
                        (1..=most).contains(&height) && is_dealt(height, most),
                        "{rows} rows in tiles of {most}"
                    );
                    next += height;
                }
                assert_eq!(next, rows);
            }
        }
        assert!(!is_dealt(7, 8) && !is_dealt(24, 24), "heights that are never dealt");
    }

    #[test]
    fn the_steps_together_fetch_each_weight_that_comes_next_once() {
        let variants = Level::available().into_iter().flat_map(Variant::all);
        for (variant, rows, (_, k)) in variants
            .flat_map(|v| ROWS.into_iter().flat_map(move |m| SHAPES.map(|shape| (v, m, shape))))
        {
            let (tiles, chains) = (Deal::new(rows, variant.rows).tiles, k.div_ceil(variant.chain));
            let share = Share::new(variant, k, tiles, chains);
            for there in [k, k + 100, 3 * k] {
                let fetched = |chain: usize, tile| {
                    share.range(
                        &(chain * variant.chain..k.min((chain + 1) * variant.chain)),
                        chain,
                        tile,
                        there,
                    )
                };
                let check = |steps: &mut dyn Iterator<Item = Range<usize>>, next: Range<usize>| {
                    let fetched: Vec<usize> = steps.flatten().collect();
                    let expected =
                        if variant.fetch == Fetch::None { Vec::new() } else { next.collect() };
                    assert_eq!(
                        fetched,
                        expected,
                        "{}, {rows} rows, K = {k}, {there} weights",
                        variant.name()
                    );
                };
                if variant.order == Order::TileByTile {
                    let steps =
                        (0..tiles).flat_map(|tile| (0..chains).map(move |chain| (chain, tile)));
                    check(
                        &mut steps.map(|(chain, tile)| fetched(chain, tile)),
                        k..there.min(2 * k),
                    );
                    continue;
                }
                for chain in 0..chains {
                    let next = k.min((chain + 1) * variant.chain);
                    check(
                        &mut (0..tiles).map(|tile| fetched(chain, tile)),
                        next..there.min(next + variant.chain),
                    );
                }
            }
        }
    }
}
