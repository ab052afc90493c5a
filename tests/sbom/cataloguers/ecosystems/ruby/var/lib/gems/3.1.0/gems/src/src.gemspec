Gem::Specification.new do |s|
  s.name = "src"
  s.version = SRC::VERSION
end
