// Updates of all parameters in one pass over their values, and the norm of all gradients. What belongs to a parameter is
// a row of a table: addresses, the number of values, and constants.
#include <cmath>
#include <vector>

#include "parallel.h"
#include "vector/tables.h"

namespace rxspike::VECTOR_LEVEL {

namespace {

constexpr Index kPiece = 4096;

// A row of the table, read from its front.
class Row {
 public:
  explicit Row(const double* at) : at_(at) {}
  float* address() { return operandAs<float*>(*at_++); }
  Index count() { return operandAs<Index>(*at_++); }
  float constant() { return operandAs<float>(*at_++); }
  double precise() { return *at_++; }

 private:
  const double* at_;
};

// update(row, first value, last value) over the values of all rows, in pieces, and the piece's number. The number of
// values stands in the row's column `countColumn`.
template <class Update>
void forPieces(const double* table, Index rows, Index columns, Index countColumn, const Update& update) {
  std::vector<Index> firstPiece(rows + 1);
  for (Index row = 0; row < rows; row++) {
    const auto count = operandAs<Index>(table[row * columns + countColumn]);
    firstPiece[row + 1] = firstPiece[row] + (count + kPiece - 1) / kPiece;
  }
  parallelFor(firstPiece[rows], 1, [&](Index begin, Index end, int) {
    Index row = std::upper_bound(firstPiece.begin(), firstPiece.end(), begin) - firstPiece.begin() - 1;
    for (Index piece = begin; piece < end; piece++) {
      while (piece >= firstPiece[row + 1]) row++;
      const auto count = operandAs<Index>(table[row * columns + countColumn]);
      const Index first = (piece - firstPiece[row]) * kPiece;
      update(table + row * columns, first, std::min(count, first + kPiece), piece);
    }
  });
}

// velocity <- momentum velocity + gradientScale gradient + decay value; value <- value - rate velocity.
void sgdPiece(const double* columns, Index begin, Index end) {
  Row row(columns);
  const float *value = row.address(), *gradient = row.address(), *velocity = row.address();
  float *__restrict newValue = row.address(), *__restrict newVelocity = row.address();
  row.count();
  const float rate = row.constant(), momentum = row.constant(), decay = row.constant(), scale = row.constant();
#pragma omp simd
  for (Index i = begin; i < end; i++) {
    const float direction = gradient[i] * scale + value[i] * decay;
    const float speed = velocity[i] * momentum + direction;
    newVelocity[i] = speed;
    newValue[i] = value[i] - rate * speed;
  }
}

// Adam with its bias corrections in `rate` = learning rate / (1 - beta1^step) and `rootScale` = 1 / sqrt(1 -
// beta2^step). `coupledDecay` joins the gradient (Adam), `keep` shrinks the value (AdamW).
void adamPiece(const double* columns, Index begin, Index end) {
  Row row(columns);
  const float *value = row.address(), *gradient = row.address(), *mean = row.address(), *square = row.address();
  float *__restrict newValue = row.address(), *__restrict newMean = row.address();
  float* __restrict newSquare = row.address();
  row.count();
  const float rate = row.constant(), rootScale = row.constant();
  // In double, since 1 - 0.999f is 5e-5 off.
  const double beta1 = row.precise(), beta2 = row.precise();
  const auto keepMean = static_cast<float>(beta1), addMean = static_cast<float>(1 - beta1);
  const auto keepSquare = static_cast<float>(beta2), addSquare = static_cast<float>(1 - beta2);
  const float epsilon = row.constant(), coupledDecay = row.constant(), keep = row.constant(), scale = row.constant();
#pragma omp simd
  for (Index i = begin; i < end; i++) {
    const float direction = gradient[i] * scale + value[i] * coupledDecay;
    const float m = mean[i] * keepMean + direction * addMean;
    const float v = square[i] * keepSquare + direction * direction * addSquare;
    newMean[i] = m;
    newSquare[i] = v;
    newValue[i] = value[i] * keep - rate * (m / (std::sqrt(v) * rootScale + epsilon));
  }
}

void sgd(const double* table, Index rows) {
  forPieces(table, rows, 10, 5, [](const double* row, Index begin, Index end, Index) { sgdPiece(row, begin, end); });
}

void adam(const double* table, Index rows) {
  forPieces(table, rows, 16, 7, [](const double* row, Index begin, Index end, Index) { adamPiece(row, begin, end); });
}

// Euclidean norm of all values: pieces are added in double and in order, so the bits are those of any number of threads.
void norm(const double* table, float* result, Index rows) {
  Index pieces = 0;
  for (Index row = 0; row < rows; row++) pieces += (operandAs<Index>(table[row * 2 + 1]) + kPiece - 1) / kPiece;
  std::vector<double> sums(pieces);
  forPieces(table, rows, 2, 1, [&](const double* row, Index begin, Index end, Index piece) {
    const float* values = operandAs<const float*>(row[0]);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = begin; i < end; i++) sum += values[i] * values[i];
    sums[piece] = sum;
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  result[0] = static_cast<float>(std::sqrt(total));
}

constexpr Operation kOperations[] = {
    operation<sgd>("sgd"),
    operation<adam>("adam"),
    operation<norm>("norm"),
};

}  // namespace

Operations optimiserOperations() { return kOperations; }

}  // namespace rxspike::VECTOR_LEVEL
