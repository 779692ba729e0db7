// DriveQuarantine as a program.
#include "tests/quarantine/driver_operations.h"

int main(int argc, char** argv) {
  gatehouse::DriveQuarantine({argv + 1, argv + argc});
  return 0;
}
