#pragma once

#include <string>
#include <vector>

#include "operation.h"

namespace rxspike {

// Instruction sets that this processor and this build have, the best first.
std::vector<std::string> vectorLevels();

// All operations, the vector kernels for one of `vectorLevels()`.
std::vector<Operation> operationsFor(const std::string& level);

}  // namespace rxspike
