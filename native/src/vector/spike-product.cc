// Products of a matrix that is mostly zeros, as spikes are, by its elements that are not: a row of the product is the
// sum of the right matrix's rows at the active places of the left one's row. The work is the number of spikes and not
// of places. Every sum is taken in the same order whatever the number of threads.
#include <algorithm>
#include <cstring>
#include <vector>

#include "matrix-product.h"
#include "parallel.h"
#include "vector/lanes.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr int kMostTile = 8;  // registers of sums

// Rows of the left matrix whose active places are listed at once, so that what a tile reads stays in the cache.
constexpr Index kBlockRows = 128;
constexpr Index kChunkRows = 1024;

// Columns that are worth a thread of their own.
constexpr Index kSharedColumns = 64;

struct Active {
  std::int32_t at;
  float value;
};

// sums += the values times the rows [at] of `from`, which are `stride` apart.
template <int tile>
inline void addRows(Lanes (&sums)[tile], const Active* active, const Active* end, const float* from, Index stride) {
  for (; active != end; active++) {
    const float* row = from + active->at * stride;
    for (int j = 0; j < tile; j++) {
      sums[j] += active->value * loadLanes(row + j * kLanes);
    }
  }
}

template <int tile = kMostTile, class Visit>
inline void withTile(Index wanted, const Visit& visit) {
  if constexpr (tile == 1) {
    visit(std::integral_constant<int, 1>());
  } else {
    if (wanted == tile) visit(std::integral_constant<int, tile>());
    else withTile<tile - 1>(wanted, visit);
  }
}

// visit(first column, tile) for tiles of 16 to 128 columns that cover all `columns`, at least 16. The last ones may
// overlap those before: whoever visits them may write a column twice, but not add to it twice.
template <class Visit>
inline void forTiles(Index columns, const Visit& visit) {
  Index from = 0;
  for (; columns - from >= kMostTile * kLanes; from += kMostTile * kLanes) visit(from, std::integral_constant<int, kMostTile>());
  const Index left = columns - from;
  if (left == 0) return;
  const Index tile = (left + kLanes - 1) / kLanes;
  if (columns >= tile * kLanes) {
    withTile(tile, [&](auto size) { visit(columns - size() * kLanes, size); });
    return;
  }
  withTile(tile - 1, [&](auto size) { visit(from, size); });
  visit(columns - kLanes, std::integral_constant<int, 1>());
}

// The active places of some rows, row after row.
struct ActivePlaces {
  std::vector<Active> entries;
  std::vector<Index> starts;

  void collect(const float* left, Index rows, Index inner) {
    starts.resize(rows + 1);
    Index count = 0;
    for (Index row = 0; row < rows; row++) {
      starts[row] = count;
      if (static_cast<Index>(entries.size()) < count + inner + 1) entries.resize(2 * (count + inner + 1));
      const float* in = left + row * inner;
      for (Index i = 0; i < inner; i++) {
        entries[count] = {static_cast<std::int32_t>(i), in[i]};
        count += in[i] != 0 ? 1 : 0;
      }
    }
    starts[rows] = count;
  }
};

// The columns [from, to) of some rows of the product.
void addActiveRows(const float* left, const float* right, const float* bias, float* product, Index beginRow,
                   Index endRow, Index inner, Index columns, Index from, Index to) {
  ActivePlaces active;
  for (Index first = beginRow; first < endRow; first += kBlockRows) {
    const Index count = std::min(kBlockRows, endRow - first);
    active.collect(left + first * inner, count, inner);
    forTiles(to - from, [&](Index inTile, auto tile) {
      const Index column = from + inTile;
      for (Index row = 0; row < count; row++) {
        Lanes sums[tile()] = {};
        if (bias != nullptr) std::memcpy(sums, bias + column, sizeof(sums));
        const Active* entries = active.entries.data();
        addRows(sums, entries + active.starts[row], entries + active.starts[row + 1], right + column, columns);
        std::memcpy(product + (first + row) * columns + column, sums, sizeof(sums));
      }
    });
  }
}

void sparseProduct(const float* left, const float* right, const float* bias, float* product, Index rows, Index inner,
                   Index columns) {
  if (rows >= threadCount()) {
    parallelFor(rows, 1, [&](Index begin, Index end, int) {
      addActiveRows(left, right, bias, product, begin, end, inner, columns, 0, columns);
    });
    return;
  }
  // Of a few rows threads share the columns.
  const Index shares = std::clamp<Index>(columns / kSharedColumns, 1, threadCount());
  parallelFor(rows * shares, 1, [&](Index begin, Index end, int) {
    for (Index part = begin; part < end; part++) {
      const Index row = part / shares, share = part % shares;
      const Index from = share * columns / shares / kLanes * kLanes;
      const Index to = share + 1 == shares ? columns : (share + 1) * columns / shares / kLanes * kLanes;
      addActiveRows(left, right, bias, product, row, row + 1, inner, columns, from, to);
    }
  });
}

// The active rows of the places [from, to), place after place, in a part of the rows.
struct ActiveRows {
  std::vector<Active> entries;
  std::vector<Index> starts;

  void collect(const float* left, Index rows, Index inner, Index from, Index to) {
    const Index places = to - from;
    starts.assign(places + 1, 0);
    for (Index row = 0; row < rows; row++) {
      const float* in = left + row * inner + from;
#pragma omp simd
      for (Index i = 0; i < places; i++) starts[i + 1] += in[i] != 0 ? 1 : 0;
    }
    for (Index i = 0; i < places; i++) starts[i + 1] += starts[i];
    // One more, which a place without any further row writes to.
    entries.resize(starts[places] + 1);
    std::vector<Index> next(starts.begin(), starts.end() - 1);
    for (Index row = 0; row < rows; row++) {
      const float* in = left + row * inner + from;
      for (Index i = 0; i < places; i++) {
        if (in[i] != 0) entries[next[i]++] = {static_cast<std::int32_t>(row), in[i]};
      }
    }
  }
};

void sparseTransposedProduct(const float* left, const float* right, float* product, Index rows, Index inner,
                             Index columns) {
  const Index chunks = (rows + kChunkRows - 1) / kChunkRows;
  // A thread owns places of the left matrix, so no two write to one row of the product.
  parallelFor(inner, 1, [&](Index begin, Index end, int) {
    std::vector<ActiveRows> active(chunks);
    for (Index chunk = 0; chunk < chunks; chunk++) {
      const Index first = chunk * kChunkRows;
      active[chunk].collect(left + first * inner, std::min(kChunkRows, rows - first), inner, begin, end);
    }
    forTiles(columns, [&](Index column, auto tile) {
      for (Index chunk = 0; chunk < chunks; chunk++) {
        const float* from = right + chunk * kChunkRows * columns + column;
        const Active* entries = active[chunk].entries.data();
        const Index* starts = active[chunk].starts.data();
        for (Index place = begin; place < end; place++) {
          float* to = product + place * columns + column;
          Lanes sums[tile()] = {};
          if (chunk > 0) std::memcpy(sums, to, sizeof(sums));
          addRows(sums, entries + starts[place - begin], entries + starts[place - begin + 1], from, columns);
          std::memcpy(to, sums, sizeof(sums));
        }
      }
    });
  });
}

// Share of elements that are not zero, in rows evenly picked.
double densityOf(const float* matrix, Index rows, Index inner) {
  constexpr Index kPicked = 128;
  const Index step = std::max<Index>(1, rows / kPicked);
  Index active = 0, seen = 0;
  for (Index row = 0; row < rows; row += step) {
    active += countActive(matrix + row * inner, inner);
    seen += inner;
  }
  return seen == 0 ? 0 : static_cast<double>(active) / static_cast<double>(seen);
}

bool isSparse(const float* matrix, Index rows, Index inner, Index columns, double limit) {
  if (limit <= 0 || columns < kLanes) return false;
  return limit >= 1 || densityOf(matrix, rows, inner) < limit;
}

// product [rows, columns] = left [rows, inner] x right [inner, columns] + bias [columns], which may be null; by active
// places where their share is below `limit`: 0 never, 1 always.
void spikeProduct(const float* left, const float* right, const float* bias, float* product, Index rows, Index inner,
                  Index columns, double limit) {
  if (isSparse(left, rows, inner, columns, limit)) {
    sparseProduct(left, right, bias, product, rows, inner, columns);
    return;
  }
  multiplyMatrices(left, right, product, 1, rows, inner, columns, false, false, 0, 0);
  if (bias == nullptr) return;
  parallelFor(rows, 16, [&](Index begin, Index end, int) {
    for (Index row = begin; row < end; row++) {
      float* to = product + row * columns;
#pragma omp simd
      for (Index i = 0; i < columns; i++) to[i] += bias[i];
    }
  });
}

// product [inner, columns] = left [rows, inner], transposed, x right [rows, columns].
void spikeTransposedProduct(const float* left, const float* right, float* product, Index rows, Index inner,
                            Index columns, double limit) {
  if (isSparse(left, rows, inner, columns, limit)) {
    sparseTransposedProduct(left, right, product, rows, inner, columns);
    return;
  }
  multiplyMatrices(left, right, product, 1, inner, rows, columns, true, false, 0, 0);
}

constexpr Operation kOperations[] = {
    operation<spikeProduct>("spikeProduct"),
    operation<spikeTransposedProduct>("spikeTransposedProduct"),
};

}  // namespace

Operations spikeProductOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
