normal|Ready|
