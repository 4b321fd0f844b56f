<html>no|text|</html>
